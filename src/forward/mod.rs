//! Delivery of stored events to consumers and destinations.

pub mod http;
pub mod lanes;
pub mod notification;
