//! A run under load: a stream of deliveries over several connections, at a rate or as fast as
//! answers come, and what became of each.
//!
//! With a rate the loop is open: each delivery is due at a moment that does not depend on the
//! answers before it, and its latency counts from then. A server that stalls shows in all that were
//! due meanwhile.

mod ledger;
mod mix;
mod post;
mod progress;
mod run;
mod schedule;
mod summary;
mod worker;

use std::{num::NonZeroUsize, time::Duration};

use super::stories::Script;

pub use self::{ledger::Ledger, progress::Watch, run::run, schedule::Length, summary::Summary};

/// What to send, and how.
#[derive(Debug)]
pub struct Load {
    /// What the deliveries tell.
    pub script: Script,
    /// How long the run is. Without any bound it goes on until it is stopped.
    pub length: Length,
    /// Deliveries a second; without one, each connection sends as fast as answers come.
    pub rate: Option<f64>,
    /// How many deliveries can be on their way at a time.
    pub connections: NonZeroUsize,
    /// The share of deliveries that repeat an acked one, from 0 to 1.
    pub duplicates: f64,
    /// The share of deliveries with a wrong signature, from 0 to 1.
    pub forgeries: f64,
    /// Send again what was not acked, until so long after it was due.
    pub give_up: Option<Duration>,
    /// Where to write down what was acked.
    pub ledger: Option<Ledger>,
    /// Where to write down what was signed wrongly and so must not be stored.
    pub forged: Option<Ledger>,
}

#[cfg(test)]
mod tests;
