//! Values in the bodies of requests to consumers, and their limits.

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::http::{HeaderValue, header};

use crate::{
    forward::lanes::Code,
    http::{api::json_body::ReadBody, problem::Problem},
};

/// Maximum size of a body in bytes.
pub(super) const LARGEST: usize = 256 << 10;

/// Maximum length of the name of a worker.
const LONGEST: usize = 64;

/// Seconds of a lease.
pub(super) const LEASE: RangeInclusive<f64> = 1.0..=3600.0;

/// The body, unless it is too large.
pub(super) fn small(body: ReadBody) -> Result<ReadBody, Problem> {
    match body {
        Err(BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_))) => {
            let problem = Problem::value("body", "", "at most 256 KiB");
            // The rest of the body is not read.
            Err(problem.header(header::CONNECTION, HeaderValue::from_static("close")))
        }
        other => Ok(other),
    }
}

/// A number in a range. Numbers without a fraction are written without one.
fn number(key: &str, given: f64, range: &RangeInclusive<f64>) -> Result<f64, Problem> {
    if range.contains(&given) {
        return Ok(given);
    }
    let allowed = format!("a number from {} to {}", range.start(), range.end());
    Err(Problem::value(key, &given.to_string(), allowed))
}

/// A time in seconds, if it is given.
pub(super) fn seconds(
    key: &str,
    given: Option<f64>,
    range: &RangeInclusive<f64>,
) -> Result<Option<Duration>, Problem> {
    let seconds = given.map(|given| number(key, given, range)).transpose()?;
    Ok(seconds.map(Duration::from_secs_f64))
}

/// A whole number in a range.
pub(super) fn whole(key: &str, given: f64, range: RangeInclusive<u32>) -> Result<u32, Problem> {
    let is = |number: &u32| (f64::from(*number) - given).abs() < f64::EPSILON;
    let found = range.clone().find(is);
    found.ok_or_else(|| {
        let allowed = format!("a whole number from {} to {}", range.start(), range.end());
        Problem::value(key, &given.to_string(), allowed)
    })
}

/// The name of a worker.
pub(super) fn worker(given: &str) -> Result<Arc<str>, Problem> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
    let is_name = (1..=LONGEST).contains(&given.len()) && given.bytes().all(is_allowed);
    let allowed = "1 to 64 of A-Z, a-z, 0-9, dot, underscore, colon and hyphen";
    is_name
        .then(|| given.into())
        .ok_or_else(|| Problem::value("worker", given, allowed))
}

/// The code of a failure; `default` without one.
pub(super) fn code(given: Option<String>, default: &str) -> Result<Code, Problem> {
    let text = given.unwrap_or_else(|| default.to_owned());
    let allowed = "1 to 32 of a-z, 0-9 and underscore";
    Code::new(&text).ok_or_else(|| Problem::value("code", &text, allowed))
}
