//! Delivery of stored events to consumers and destinations.

mod bucket;
pub mod consumer;
pub mod destination;
pub mod http;
pub mod lanes;
pub mod notification;

pub use bucket::Bucket;
