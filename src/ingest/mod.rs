//! The core verb: a verified body becomes a delivery with events, committed before it is acked.
//!
//! [`parse()`] makes the delivery, [`writer`] queues it, the [`committer`] commits what waits over its
//! own connection; what Postgres does not take in time makes a `detour` into the spool, out of which
//! [`read()`] makes it a delivery again. [`tally`] counts what was refused before it came this far.
//! The door reaches all of it through [`Intake`] and [`Rejections`].

mod callbacks;
pub mod committer;
mod detour;
pub mod gate;
pub mod intake;
mod link;
mod outage;
pub mod outcome;
mod parse;
mod pulse;
mod queue;
pub mod tally;
pub mod writer;

pub use callbacks::Callbacks;
pub use committer::Committer;
pub use gate::{Closed, Gate};
pub use intake::{Arrival, Caller, Intake, Kept, Rejections, Settled};
pub use outcome::{Failure, Outcome, Refusal, Rejection};
pub use parse::{parse, read};
pub use pulse::{Pulse, Watch};
pub use tally::Tally;
pub use writer::Writer;
