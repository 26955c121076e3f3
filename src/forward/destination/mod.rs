//! Destinations: the request for an event, the consequence of its attempt, and the rate.
//!
//! A sender leases events from the [`Handle`](super::consumer::Handle) of its destination. [`Request`]
//! is the request of an event, [`settlement()`] decides on the event after the attempt, and
//! [`Bucket`] limits the rate. Nothing here waits or reads a clock.

mod bucket;
mod group;
mod log;
mod notification;
mod request;
mod settings;
mod settlement;

pub use bucket::Bucket;
pub use group::Group;
pub use log::AttemptLog;
pub use notification::rest_of_delivery;
pub use request::{Request, Unsent};
pub use settings::Settings;
pub use settlement::{settlement, spread};
