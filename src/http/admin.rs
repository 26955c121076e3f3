//! The routes for operators, on a listener of their own: alive, ready, metrics.

use std::{fmt, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Serialize;
use tower_http::catch_panic::CatchPanicLayer;

use super::{listener::ADMIN, public::defect};
use crate::telemetry::metrics::Exposition;

/// Tells what is missing before deliveries can be stored; nothing missing is ready.
#[derive(Clone)]
pub struct Readiness(Arc<dyn Fn() -> Vec<&'static str> + Send + Sync>);

impl Readiness {
    /// Asks `missing` each time. It must not wait: it tells what was last seen.
    pub fn new(missing: impl Fn() -> Vec<&'static str> + Send + Sync + 'static) -> Self {
        Self(Arc::new(missing))
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Readiness(missing: {:?})", (self.0)())
    }
}

/// The router of the admin listener.
pub fn router(readiness: Readiness, metrics: Exposition) -> Router {
    Router::new()
        .route("/healthz", get(StatusCode::OK))
        .route("/readyz", get(ready).with_state(readiness))
        .route("/metrics", get(expose).with_state(metrics))
        .layer(CatchPanicLayer::custom(|_| defect(ADMIN)))
}

#[derive(Serialize)]
struct Report {
    ready: bool,
    missing: Vec<&'static str>,
    version: &'static str,
}

async fn ready(State(readiness): State<Readiness>) -> Response {
    let missing = (readiness.0)();
    let ready = missing.is_empty();
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    match serde_json::to_string(&Report {
        ready,
        missing,
        version: env!("CARGO_PKG_VERSION"),
    }) {
        Ok(report) => (status, typed("application/json"), report).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn expose(State(metrics): State<Exposition>) -> Response {
    (
        typed("text/plain; version=0.0.4; charset=utf-8"),
        metrics.render(),
    )
        .into_response()
}

fn typed(media: &'static str) -> [(header::HeaderName, &'static str); 2] {
    [
        (header::CONTENT_TYPE, media),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ]
}
