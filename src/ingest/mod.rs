//! The core verb: a verified body becomes a delivery with events, committed before it is acked.

pub mod intake;
pub mod outcome;

pub use intake::{Arrival, Intake, Rejections};
pub use outcome::{Failure, Outcome, Rejection};
