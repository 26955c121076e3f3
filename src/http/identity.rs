//! Identity of the server, for commands that reach it by an address that another server may have.
//!
//! A request may name the [instance](crate::instance) that it is meant for. The instance answers
//! with the same header; another instance answers 421. A client without the id does not learn it.

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};

use crate::instance::{HEADER, Id};

/// Wraps `routes`: requests for another instance than `instance` get 421.
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

/// Answers that the process is alive, unless the request is for another instance.
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
