//! A run under load: a stream of deliveries over several connections, at a rate or as fast as
//! answers come, and what became of each.
//!
//! With a rate the loop is open: each delivery is due at a moment that does not depend on the
//! answers before it, and its latency counts from then. A server that stalls shows in all that were
//! due meanwhile.

mod ledger;
mod lock;
mod mix;
mod options;
mod pace;
mod post;
mod progress;
mod runner;
mod schedule;
mod summary;
mod tally;
mod worker;

pub use self::{
    ledger::Ledger,
    options::Load,
    progress::Watch,
    runner::run,
    schedule::Length,
    summary::{Latencies, Summary},
};

#[cfg(test)]
mod tests;
