//! The core verb: a verified body becomes a delivery with events, committed before it is acked.
//!
//! The [`writer`] parses ([`parse()`]) and queues deliveries, the [`committer`] commits what waits over
//! its own session. The [`breaker`] says when a commit is tried; what Postgres does not take in time
//! falls back to the spool, out of which [`read()`] makes deliveries again. The [`tally`] counts what
//! was refused before it came this far. [`Readiness`] and [`Spooling`] say how all of it stands.

pub mod breaker;
mod callbacks;
pub mod committer;
mod drained;
mod fallback;
pub mod outcome;
mod parse;
mod pending;
mod progress;
mod queue;
mod readiness;
mod session;
mod spooling;
pub mod tally;
pub mod writer;

pub use breaker::{Cause, CircuitBreaker};
pub use callbacks::Callbacks;
pub use committer::Committer;
pub use drained::Drained;
pub use outcome::{Caller, Failure, Kept, Outcome, Refusal, Rejection, Settled};
pub use parse::{parse, read};
pub use pending::Waiting;
pub use progress::{Watchdog, WriterProgress};
pub use readiness::{DatabaseState, Readiness, Standing};
pub use spooling::Spooling;
pub use tally::Tally;
pub use writer::Writer;
