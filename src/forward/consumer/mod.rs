//! Consumers as workers and senders see them: leases and settlements.
//!
//! One task of the process owns a consumer: it reads the log, keeps the lanes and writes the
//! progress. Everything else talks to it through a [`Handle`].

mod clock_guard;
mod desk;
mod handle;
mod lease_key;
mod names;
mod rate;
mod requests;
mod settings;
mod targets;

pub use desk::{Desk, Found, Lookup, Ownership, Passed, ReplayWish, Shown, Sought, Writing};
pub use handle::{Call, Calls, Handle};
pub use lease_key::LeaseKey;
pub use names::Handles;
pub use requests::{
    HandedOut, Refusal, ReplayStatus, Settled, Settlement, Status, Verb, Want, WorkerStatus,
};
pub use settings::Settings;
pub use targets::{Target, Targets};
