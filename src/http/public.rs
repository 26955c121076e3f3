//! Routes of the public listener, one flat list. Serves no data.

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use tower_http::catch_panic::CatchPanicLayer;

use super::{AppState, identity, listener::PUBLIC, webhook};
use crate::telemetry::{LogEvent, PanicCaught};

/// The router of the public listener. Other paths get 404 with an empty body.
pub fn router(state: AppState) -> Router {
    let callback = get(webhook::challenge)
        .post(webhook::receive)
        .head(refuse_method)
        .fallback(refuse_method);
    // An operator types the slash at the end, or a proxy adds it; Meta follows no redirect.
    Router::new()
        .route("/webhook", callback.clone())
        .route("/webhook/", callback.clone())
        .route("/webhook/{app}", callback.clone())
        .route("/webhook/{app}/", callback)
        .route("/healthz", get(healthz))
        .fallback(webhook::no_such_path)
        .layer(CatchPanicLayer::custom(|_| defect(PUBLIC)))
        .with_state(state)
}

/// The process is alive.
async fn healthz(State(state): State<AppState>, headers: HeaderMap) -> Response {
    identity::alive(state.instance(), &headers)
}

/// Answer to a request that caused a panic.
fn defect(listener: &'static str) -> Response {
    PanicCaught { listener }.emit();
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

/// Refuses other methods, HEAD included: a challenge has no answer without a body.
async fn refuse_method() -> impl IntoResponse {
    (
        StatusCode::METHOD_NOT_ALLOWED,
        [(header::ALLOW, "GET, POST")],
    )
}
