//! [`Outcome`] of a delivery: each delivery ends in exactly one, which determines status, log level
//! and metric label.

use std::time::Instant;

use crate::{
    meta::{event::Problem, signature},
    store::{Committed, Delivery, rejections},
};

/// Final result of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Committed with its events.
    Accepted {
        /// Events that were not stored before.
        new: usize,
        /// Items whose event was already stored; a success.
        repeated: usize,
    },
    /// Signed and committed, but its body could not be read.
    Unreadable(Problem),
    /// Signed and in the spool, to be committed when Postgres takes it.
    Spooled,
    /// Rejected before storing.
    Rejected(Rejection),
    /// Not stored because of a failure. Meta sends the delivery again.
    Failed(Failure),
}

/// Store in which a delivery is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durable {
    /// In Postgres, with its events.
    Stored(Committed),
    /// In the spool; its events follow when Postgres takes them.
    Spooled,
}

/// Result of a delivery that was handed to the writer.
pub type Settled = Result<Durable, Failure>;

/// Receiver of a delivery's result. The caller travels with the delivery, so that a sender who
/// hangs up neither aborts the delivery nor frees its memory early.
///
/// A caller that is dropped without a result means a defect, or the end of the server.
pub trait Caller: Send {
    /// True if the caller still waits for an answer at `now`; otherwise a commit is pointless.
    fn is_waiting(&self, now: Instant) -> bool;

    /// True if the delivery is already durable elsewhere, so that the spool need not keep it.
    fn has_a_copy(&self) -> bool;

    /// Looks at the delivery once its body has been read.
    fn look_at(&mut self, _: &Delivery) {}

    /// Hands over the result.
    fn settle(self: Box<Self>, settled: Settled);
}

/// Reason why a delivery was rejected before storing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rejection {
    /// No `X-Hub-Signature-256`.
    SignatureMissing,
    /// Only the legacy `X-Hub-Signature`, which is too weak.
    SignatureSha1Only,
    /// A malformed signature header.
    SignatureMalformed,
    /// The signature matches no secret of the app.
    SignatureMismatch,
    /// The signature fits the body in Meta's spelling: a proxy encoded the body again.
    BodyReencoded,
    /// The body is larger than `http.max_body_bytes`.
    BodyTooLarge,
    /// The body did not arrive within `http.body_timeout_seconds`.
    BodyTimeout,
    /// The connection ended before the body was complete.
    BodyIncomplete,
    /// The chunked encoding of the body is malformed.
    BodyMalformed,
}

/// Reason why a delivery could not be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Failure {
    /// Postgres is unavailable or too slow.
    StoreUnavailable,
    /// Too many deliveries are being stored at once.
    QueueFull,
    /// All bodies in flight together have reached `http.body_budget_bytes`.
    BodyBudget,
    /// The server is stopping.
    Stopping,
    /// A defect in this program.
    Internal,
}

/// Reason why a request was not stored: column `rejections.reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// A delivery was rejected before storing.
    Rejected(Rejection),
    /// A delivery could not be stored.
    Failed(Failure),
    /// The path names an app that is not configured.
    UnknownApp,
    /// The public listener has no such path.
    UnknownPath,
}

impl Outcome {
    /// The reason why the delivery was not stored; none if it was.
    pub fn refusal(self) -> Option<Refusal> {
        match self {
            Self::Accepted { .. } | Self::Unreadable(_) | Self::Spooled => None,
            Self::Rejected(rejection) => Some(Refusal::Rejected(rejection)),
            Self::Failed(failure) => Some(Refusal::Failed(failure)),
        }
    }

    /// Label for metrics and logs, from a bounded set.
    pub fn code(self) -> &'static str {
        match self {
            Self::Accepted { .. } => "accepted",
            Self::Unreadable(_) => "unreadable",
            Self::Spooled => "spooled",
            Self::Rejected(_) => "rejected",
            Self::Failed(_) => "failed",
        }
    }

    /// Label of the problem, rejection or failure; empty if accepted or spooled.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Accepted { .. } | Self::Spooled => "",
            Self::Unreadable(problem) => problem.as_str(),
            Self::Rejected(rejection) => rejection.code(),
            Self::Failed(failure) => failure.code(),
        }
    }
}

impl Refusal {
    /// Label for the database, metrics and logs, from a bounded set.
    pub fn code(self) -> &'static str {
        match self {
            Self::Rejected(rejection) => rejection.code(),
            Self::Failed(failure) => failure.code(),
            Self::UnknownApp => rejections::UNKNOWN[0],
            Self::UnknownPath => rejections::UNKNOWN[1],
        }
    }
}

impl Rejection {
    /// Every reason.
    pub const ALL: [Self; 9] = [
        Self::SignatureMissing,
        Self::SignatureSha1Only,
        Self::SignatureMalformed,
        Self::SignatureMismatch,
        Self::BodyReencoded,
        Self::BodyTooLarge,
        Self::BodyTimeout,
        Self::BodyIncomplete,
        Self::BodyMalformed,
    ];

    /// Label for `rejections.reason`, metrics and logs, from a bounded set.
    pub fn code(self) -> &'static str {
        match self {
            Self::SignatureMissing => "signature_missing",
            Self::SignatureSha1Only => "signature_sha1_only",
            Self::SignatureMalformed => "signature_malformed",
            Self::SignatureMismatch => "signature_mismatch",
            Self::BodyReencoded => "body_reencoded",
            Self::BodyTooLarge => "body_too_large",
            Self::BodyTimeout => "body_timeout",
            Self::BodyIncomplete => "body_incomplete",
            Self::BodyMalformed => "body_malformed",
        }
    }
}

impl Failure {
    /// Label for the database, metrics and logs, from a bounded set.
    pub fn code(self) -> &'static str {
        match self {
            Self::StoreUnavailable => "store_unavailable",
            Self::QueueFull => "queue_full",
            Self::BodyBudget => "body_budget",
            Self::Stopping => "stopping",
            Self::Internal => "internal",
        }
    }
}

impl From<Settled> for Outcome {
    fn from(settled: Settled) -> Self {
        match settled {
            Err(failure) => Self::Failed(failure),
            Ok(Durable::Spooled) => Self::Spooled,
            Ok(Durable::Stored(Committed {
                new: 0,
                repeated: 0,
                problem: Some(problem),
            })) => Self::Unreadable(problem),
            Ok(Durable::Stored(Committed { new, repeated, .. })) => {
                Self::Accepted { new, repeated }
            }
        }
    }
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<signature::Fault> for Rejection {
    fn from(fault: signature::Fault) -> Self {
        match fault {
            signature::Fault::Missing => Self::SignatureMissing,
            signature::Fault::Malformed => Self::SignatureMalformed,
            signature::Fault::Mismatch => Self::SignatureMismatch,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_is_known_where_counts_are_read() {
        let failures = [
            Failure::StoreUnavailable,
            Failure::QueueFull,
            Failure::BodyBudget,
            Failure::Stopping,
            Failure::Internal,
        ];
        assert_eq!(failures.map(Failure::code), rejections::FAILURES);
        // A new variant has to be added to the list above.
        for failure in failures {
            match failure {
                Failure::StoreUnavailable
                | Failure::QueueFull
                | Failure::BodyBudget
                | Failure::Stopping
                | Failure::Internal => {}
            }
        }
    }
}
