//! The core verb: a verified body becomes a delivery with events, committed before it is acked.
//!
//! [`parse()`] makes the delivery, [`writer`] queues it, the [`committer`] commits what waits over its
//! own connection, and [`tally`] counts what was refused before it came this far. The door
//! reaches all of it through [`Intake`] and [`Rejections`].

mod callbacks;
pub mod committer;
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
pub use intake::{Arrival, Caller, Intake, Rejections, Settled};
pub use outcome::{Failure, Outcome, Rejection};
pub use parse::parse;
pub use pulse::{Pulse, Watch};
pub use tally::Tally;
pub use writer::Writer;
