//! JSON objects in the bodies of requests.

use axum::extract::rejection::BytesRejection;
use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::http::problem::{self, Problem, shortened};

/// Body of a request, as axum reads it.
pub(super) type ReadBody = Result<Bytes, BytesRejection>;

/// Reads a body with an object that has `keys`.
pub(super) fn object<T: DeserializeOwned>(body: ReadBody, keys: &str) -> Result<T, Problem> {
    let body = body.map_err(|rejection| Problem::new(problem::BODY, rejection.body_text()))?;
    parse(&body).map_err(|reason| {
        let reason = shortened(&reason);
        let detail = format!("send a JSON object with {keys}: {reason}");
        Problem::new(problem::BODY, detail)
    })
}

/// Parses an object. An array would be taken as a list of the keys.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err("the body is no object".to_owned());
    }
    serde_json::from_slice(body).map_err(|error| error.to_string())
}
