//! The core verb: a verified body becomes a delivery with events, committed before it is acked.

pub mod outcome;

pub use outcome::{Failure, Outcome, Rejection};
