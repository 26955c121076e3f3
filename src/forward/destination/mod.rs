//! Destinations: the request for an event, and the consequence of its attempt.
//!
//! A sender leases events from the [`Handle`](super::consumer::Handle) of its destination. [`Request`]
//! is the request of an event, and [`settlement()`] decides on the event after the attempt. Nothing
//! here waits or reads a clock.

mod group;
mod log;
mod notification;
mod request;
mod settings;
mod settlement;

pub use group::Group;
pub use log::AttemptLog;
pub use notification::rest_of_delivery;
pub use request::{Request, Unsent};
pub use settings::Settings;
pub use settlement::{settlement, spread};
