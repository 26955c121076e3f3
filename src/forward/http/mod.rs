//! HTTP client of destinations, and the addresses it may connect to.
//!
//! [`Client::send`] makes one [`Attempt`] and never returns an error, because each failure is a
//! result to store. The module signs nothing and reads no event.

mod attempt;
mod client;
mod reach;
mod resolver;
mod url;

pub use self::{
    attempt::{Attempt, Outcome},
    client::Client,
    reach::{Forbidden, Reach},
    url::{DestinationUrl, InvalidUrl},
};

#[cfg(test)]
mod tests;
