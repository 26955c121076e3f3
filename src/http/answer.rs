//! Answers with a body and its content type; browsers must not guess another.

use axum::{
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde::Serialize;

/// An answer in JSON. It may have content, so no cache keeps it.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match json_bytes(body) {
        Some(body) => json_of(status, body),
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// An answer of these bytes, which are JSON.
pub(super) fn json_of(status: StatusCode, body: Bytes) -> Response {
    (status, typed("application/json"), UNCACHED, body).into_response()
}

/// JSON of a value; `None` if it cannot be serialised.
pub(super) fn json_bytes(body: &impl Serialize) -> Option<Bytes> {
    serde_json::to_vec(body).ok().map(Bytes::from)
}

const UNCACHED: [(HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];

/// Headers of a body of this type.
pub(super) fn typed(media: &'static str) -> [(HeaderName, &'static str); 2] {
    [
        (header::CONTENT_TYPE, media),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ]
}
