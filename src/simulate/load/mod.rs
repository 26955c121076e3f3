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

/// Options of a run.
#[derive(Debug)]
pub struct Load {
    /// Content of the deliveries.
    pub script: Script,
    /// Length of the run. Without a limit the run goes on until it is stopped.
    pub length: Length,
    /// Deliveries a second; without one, each connection sends as fast as answers come.
    pub rate: Option<f64>,
    /// Number of connections: the maximum number of deliveries in flight.
    pub connections: NonZeroUsize,
    /// The share of deliveries that repeat an acked one, from 0 to 1.
    pub duplicates: f64,
    /// The share of deliveries with a wrong signature, from 0 to 1.
    pub forgeries: f64,
    /// Time after the due time until which an unacked delivery is sent again; `None` for one try.
    pub give_up: Option<Duration>,
    /// File for the acked deliveries.
    pub ledger: Option<Ledger>,
    /// File for the deliveries with a wrong signature, which must not be stored.
    pub forged: Option<Ledger>,
}

#[cfg(test)]
mod tests;
