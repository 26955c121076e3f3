//! Bodies and headers that a destination gets.
//!
//! In Meta's form, [`notifications`] builds the bodies of a delivery and [`HubSigner`] signs them as
//! Meta does, after [`Mask`](crate::config::Mask) took out the parts that the destination does not
//! get. In the form of Standard Webhooks, [`WebhookEvent`] is an event and [`WebhookSecret`] signs
//! it.

mod envelope;
mod grouping;
mod hub;
mod mask;
mod standard;

pub use grouping::{NewItem, Notification, Notifications, notifications};
pub use hub::HubSigner;
pub use standard::{WebhookEvent, WebhookSecret};

/// Name, in lower case, and value of a header.
pub type Header = (&'static str, String);

/// Header of every body.
fn content_type() -> Header {
    ("content-type", "application/json".to_owned())
}

#[cfg(test)]
mod tests;
