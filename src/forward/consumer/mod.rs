//! Consumers as workers and senders see them: leases and settlements.
//!
//! One task of the process owns a consumer: it reads the log, keeps the lanes and writes the
//! progress. Everything else talks to it through a [`Handle`].

mod handle;
mod names;
mod requests;

pub use handle::{Call, Calls, Handle};
pub use names::Handles;
pub use requests::{
    HandedOut, LaneStatus, Refusal, Settled, Settlement, SkippedEvents, Status, Verb, Want,
    WorkerStatus,
};
