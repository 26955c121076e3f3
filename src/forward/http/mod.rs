//! HTTP client of destinations, the addresses it may connect to, and the breaker for a destination
//! that is down.
//!
//! [`Client::send`] makes one [`Attempt`] and never returns an error, because each failure is a
//! result to store. [`Breaker`] decides on the destination and reads no clock. The module signs
//! nothing and reads no event.

mod attempt;
mod breaker;
mod client;
mod reach;
mod resolver;
mod url;

pub use self::{
    attempt::{Attempt, Outcome},
    breaker::{Breaker, Permit},
    client::Client,
    reach::{Forbidden, Reach},
    url::{DestinationUrl, InvalidUrl},
};

#[cfg(test)]
mod tests;
