//! HTTP client of destinations: the addresses it may connect to, the time it may take, the meaning
//! of an answer, and the breaker for a destination that is down.
//!
//! [`Client::send`] makes one [`Attempt`] and never returns an error, because each failure is a
//! result to store. [`RetryPolicy::judge`] decides on the event, [`Breaker`] on the destination.
//! Neither of them reads a clock. The module signs nothing and reads no event.

mod answer;
mod attempt;
mod breaker;
mod client;
mod resolver;

pub use self::{
    answer::{RetryPolicy, Tries, Verdict},
    attempt::{Attempt, Outcome},
    breaker::{Breaker, Permit},
    client::{Client, Look},
};

#[cfg(test)]
mod tests;
