//! Status code for Meta and severity for the log, by outcome.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{
    ingest::{Failure, Outcome, Rejection},
    telemetry::Severity,
};

/// Seconds until a delivery that could not be stored may come again.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");

/// The answer to Meta: a status with an empty body.
pub(super) fn ack(outcome: Outcome) -> Response {
    let (status, _) = verdict(outcome);
    let mut response = status.into_response();
    let headers = response.headers_mut();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, RETRY_AFTER);
    }
    if leaves_bytes_unread(outcome) {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Status and severity of each outcome. A rejection is routine: anyone can send anything, so
/// rejections are counted and not logged as warnings.
pub(super) fn verdict(outcome: Outcome) -> (StatusCode, Severity) {
    use Severity::{Degraded, Grave, Routine};
    match outcome {
        Outcome::Accepted { .. } | Outcome::Spooled => (StatusCode::OK, Routine),
        Outcome::Unreadable(_) => (StatusCode::OK, Degraded),
        Outcome::Rejected(
            Rejection::SignatureMissing
            | Rejection::SignatureSha1Only
            | Rejection::SignatureMalformed
            | Rejection::SignatureMismatch
            | Rejection::BodyReencoded,
        ) => (StatusCode::UNAUTHORIZED, Routine),
        Outcome::Rejected(Rejection::BodyTooLarge) => (StatusCode::PAYLOAD_TOO_LARGE, Routine),
        Outcome::Rejected(Rejection::BodyTimeout) => (StatusCode::REQUEST_TIMEOUT, Routine),
        Outcome::Rejected(Rejection::BodyIncomplete | Rejection::BodyMalformed) => {
            (StatusCode::BAD_REQUEST, Routine)
        }
        Outcome::Failed(
            Failure::StoreUnavailable
            | Failure::QueueFull
            | Failure::BodyBudget
            | Failure::Stopping,
        ) => (StatusCode::SERVICE_UNAVAILABLE, Degraded),
        Outcome::Failed(Failure::Internal) => (StatusCode::INTERNAL_SERVER_ERROR, Grave),
    }
}

/// True if the rest of the body is unread, so that the connection cannot be used again.
fn leaves_bytes_unread(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Rejected(
            Rejection::BodyTooLarge
                | Rejection::BodyTimeout
                | Rejection::BodyIncomplete
                | Rejection::BodyMalformed
        ) | Outcome::Failed(Failure::BodyBudget)
    )
}
