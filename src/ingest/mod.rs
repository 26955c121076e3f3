//! Ingest: a verified body becomes a delivery with events, committed before it is acked.
//!
//! The [`writer`] parses deliveries ([`parse()`]) and queues them. The [`committer`] commits
//! batches over its own session, and the [`breaker`] decides if a commit is tried. Deliveries that
//! Postgres does not take in time fall back to the spool; [`read()`] parses spooled deliveries
//! again, and [`rescue`] does so with quarantined ones. The [`tally`] counts rejected requests.
//! [`Readiness`] and [`Spooling`] report the state.

pub mod arrivals;
pub mod breaker;
mod callbacks;
pub mod committer;
mod drained;
mod fallback;
pub mod gaps;
pub mod outcome;
mod parse;
mod pending;
mod progress;
mod queue;
mod readiness;
mod recheck;
pub mod reparse;
pub mod rescue;
mod rescued;
mod session;
mod spooling;
pub mod tally;
pub mod writer;

pub use breaker::{Cause, CircuitBreaker};
pub use callbacks::Callbacks;
pub use committer::Committer;
pub use drained::Drained;
pub use gaps::Gaps;
pub use outcome::{Caller, Durable, Failure, Outcome, Refusal, Rejection, Settled};
pub use parse::{parse, read};
pub use pending::Waiting;
pub use progress::{Watchdog, WriterProgress};
pub use readiness::{DatabaseState, Readiness, ReadinessStatus};
pub use recheck::{Recheck, StoredPart};
pub use spooling::Spooling;
pub use tally::Tally;
pub use writer::Writer;
