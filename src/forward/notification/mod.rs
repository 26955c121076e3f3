//! Bodies and headers that a destination gets.
//!
//! In Meta's form, [`notifications`] builds the bodies of a delivery and [`HubSigner`] signs them as
//! Meta does, after [`Mask`] took out the parts that the destination does not get.

mod envelope;
mod grouping;
mod hub;
mod mask;

pub use grouping::{NewItem, Notification, Notifications, notifications};
pub use hub::HubSigner;
pub use mask::Mask;

/// Name, in lower case, and value of a header.
pub type Header = (&'static str, String);

/// Header of every body.
fn content_type() -> Header {
    ("content-type", "application/json".to_owned())
}

#[cfg(test)]
mod tests;
