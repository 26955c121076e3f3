//! Identity of the server for verbs, which find it by an address that another server may have.
//!
//! A request may name the [instance](crate::instance) that it is meant for. The instance answers
//! with the same header; another one answers 421. Who does not know the id learns nothing.

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};

use crate::instance::{HEADER, Id};

/// Routes that answer as `instance`, and no request that is meant for another.
pub fn known_as(routes: Router, instance: Id) -> Router {
    routes.layer(middleware::from_fn_with_state(instance, check))
}

async fn check(State(instance): State<Id>, request: Request, next: Next) -> Response {
    match meant(request.headers()).map(|it| instance.is(it.as_bytes())) {
        None => next.run(request).await,
        Some(true) => shown(next.run(request).await, &instance),
        Some(false) => StatusCode::MISDIRECTED_REQUEST.into_response(),
    }
}

/// The answer that the process is alive, to whoever asks for it or for nobody in particular.
pub(super) fn alive(instance: Option<&Id>, headers: &HeaderMap) -> Response {
    let alive = StatusCode::OK.into_response();
    match (meant(headers), instance) {
        (None, _) => alive,
        (Some(it), Some(instance)) if instance.is(it.as_bytes()) => shown(alive, instance),
        (Some(_), _) => StatusCode::MISDIRECTED_REQUEST.into_response(),
    }
}

fn meant(headers: &HeaderMap) -> Option<&HeaderValue> {
    headers.get(HEADER)
}

fn shown(mut answer: Response, instance: &Id) -> Response {
    if let Ok(id) = HeaderValue::from_str(instance.as_str()) {
        answer.headers_mut().insert(HEADER, id);
    }
    answer
}
