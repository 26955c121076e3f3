//! Every delivery ends in exactly one [`Outcome`]; status, level and label follow from it.

use std::time::Instant;

use crate::{
    meta::{event::Problem, signature},
    store::{Committed, rejections},
};

/// How a delivery ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Committed with its events.
    Accepted {
        /// Events that were not stored before.
        new: usize,
        /// Items whose event was stored already: a success.
        repeated: usize,
    },
    /// Signed and committed, but its body could not be read.
    Unreadable(Problem),
    /// Signed and in the spool, to be committed when Postgres takes it.
    Spooled,
    /// Refused before storing.
    Rejected(Rejection),
    /// Not stored although it should have been: Meta sends it again.
    Failed(Failure),
}

/// Durable place of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// In Postgres, with its events.
    Stored(Committed),
    /// In the spool; its events follow when Postgres takes them.
    Spooled,
}

/// Result of a delivery that was handed over.
pub type Settled = Result<Kept, Failure>;

/// Receiver of a delivery's result. It travels with the delivery, so that nobody else has to stay: a
/// sender who hangs up neither stops a delivery half way nor frees its memory early.
///
/// A caller that is dropped unsettled met a defect, or the end of the server.
pub trait Caller: Send {
    /// True if an answer can still be of use at `now`; otherwise it is not worth a commit.
    fn is_waiting(&self, now: Instant) -> bool;

    /// True if the delivery is in a durable place already, so that the spool need not keep it.
    fn has_a_copy(&self) -> bool;

    /// Takes the answer.
    fn settle(self: Box<Self>, settled: Settled);
}

/// Why a delivery was refused before storing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rejection {
    /// No `X-Hub-Signature-256`.
    SignatureMissing,
    /// Only the legacy `X-Hub-Signature`, which proves too little.
    SignatureSha1Only,
    /// A signature header of another form.
    SignatureMalformed,
    /// No secret of the app made the signature.
    SignatureMismatch,
    /// The body is larger than `http.max_body_bytes`.
    BodyTooLarge,
    /// The body did not arrive within `http.body_timeout_seconds`.
    BodyTimeout,
    /// The connection ended before the body did.
    BodyIncomplete,
    /// The body came in chunks that are none.
    BodyMalformed,
}

/// Why a delivery could not be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Failure {
    /// Postgres is away or too slow.
    StoreUnavailable,
    /// Too many deliveries are being stored at once.
    QueueFull,
    /// All bodies in flight together reached `http.body_budget_bytes`.
    BodyBudget,
    /// The server is stopping.
    Stopping,
    /// A defect of ours.
    Internal,
}

/// Reason for which a request was not stored: `rejections.reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// A delivery was refused before storing.
    Rejected(Rejection),
    /// A delivery could not be stored.
    Failed(Failure),
    /// The path names an app that is not configured.
    UnknownApp,
    /// The public listener has no such path.
    UnknownPath,
}

impl Outcome {
    /// The reason for which it was not stored; none if it was.
    pub fn refusal(self) -> Option<Refusal> {
        match self {
            Self::Accepted { .. } | Self::Unreadable(_) | Self::Spooled => None,
            Self::Rejected(rejection) => Some(Refusal::Rejected(rejection)),
            Self::Failed(failure) => Some(Refusal::Failed(failure)),
        }
    }

    /// The bounded word for metrics and logs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Accepted { .. } => "accepted",
            Self::Unreadable(_) => "unreadable",
            Self::Spooled => "spooled",
            Self::Rejected(_) => "rejected",
            Self::Failed(_) => "failed",
        }
    }

    /// The bounded word for why it was not accepted; empty where it was.
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
    /// The bounded word for it.
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
    pub const ALL: [Self; 8] = [
        Self::SignatureMissing,
        Self::SignatureSha1Only,
        Self::SignatureMalformed,
        Self::SignatureMismatch,
        Self::BodyTooLarge,
        Self::BodyTimeout,
        Self::BodyIncomplete,
        Self::BodyMalformed,
    ];

    /// The bounded word for it: in `rejections.reason`, metrics and logs.
    pub fn code(self) -> &'static str {
        match self {
            Self::SignatureMissing => "signature_missing",
            Self::SignatureSha1Only => "signature_sha1_only",
            Self::SignatureMalformed => "signature_malformed",
            Self::SignatureMismatch => "signature_mismatch",
            Self::BodyTooLarge => "body_too_large",
            Self::BodyTimeout => "body_timeout",
            Self::BodyIncomplete => "body_incomplete",
            Self::BodyMalformed => "body_malformed",
        }
    }
}

impl Failure {
    /// The bounded word for it.
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
            Ok(Kept::Spooled) => Self::Spooled,
            Ok(Kept::Stored(Committed {
                new: 0,
                repeated: 0,
                problem: Some(problem),
            })) => Self::Unreadable(problem),
            Ok(Kept::Stored(Committed { new, repeated, .. })) => Self::Accepted { new, repeated },
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
        // A variant more has to stand above.
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
