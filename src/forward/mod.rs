//! Delivery of stored events to consumers and destinations.

pub mod consumer;
pub mod destination;
pub mod http;
pub mod lanes;
pub mod notification;
