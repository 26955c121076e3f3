//! Reasons to refuse a request, and their problems.

use axum::http::{HeaderValue, header};

use crate::http::problem::{self, Problem, shortened};

/// Reason to refuse a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    NoToken,
    WrongToken,
    TooManyFailures(u64),
    /// The session has ended.
    SignedOut,
    /// A proxy signed in this user, whom no entry of the configuration lets in.
    UnknownUser(String),
    /// Too many requests wait for the lookup of their sessions.
    Busy,
    /// Postgres is unavailable, so a session is neither found nor changed.
    Unavailable,
}

impl Refused {
    /// True if every route except a probe refuses the request. For other reasons, the route decides
    /// if it needs a caller.
    pub(super) fn is_final(&self) -> bool {
        matches!(self, Self::WrongToken | Self::TooManyFailures(_))
    }

    pub(super) fn problem(&self) -> Problem {
        let detail = match self {
            Self::NoToken => "send a token in the header Authorization: Bearer",
            Self::WrongToken => "the token is not one of admin.tokens",
            Self::SignedOut => "the session has ended; sign in again",
            Self::TooManyFailures(seconds) => {
                let detail = "too many wrong tokens came from this address in the last minute";
                let problem = Problem::new(problem::FAILURES, detail);
                return problem.header(header::RETRY_AFTER, *seconds);
            }
            Self::UnknownUser(name) => {
                let name = shortened(name);
                let detail =
                    format!("the proxy signed in {name}, whom admin.users does not let in");
                return Problem::new(problem::FORBIDDEN, detail);
            }
            Self::Busy => {
                let detail = "too many sessions are looked up now; send the request again";
                let problem = Problem::new(problem::BUSY, detail);
                return problem.header(header::RETRY_AFTER, 1);
            }
            Self::Unavailable => {
                let detail = "Postgres is unavailable, so sessions can neither begin nor end, and \
                              only those in use are known; a token in the header Authorization works";
                let problem = Problem::new(problem::DATABASE, detail);
                return problem.header(header::RETRY_AFTER, 5);
            }
        };
        Problem::new(problem::UNAUTHORIZED, detail)
            .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }
}
