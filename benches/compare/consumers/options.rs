//! Options of the measurement of consumers.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::server::HOOKSHELF;

/// Options of the measurement of consumers.
#[derive(Debug, Args)]
pub(crate) struct ConsumersOptions {
    /// The program to measure. Default: of this checkout.
    #[arg(long, value_name = "PATH", default_value = HOOKSHELF)]
    pub(super) program: PathBuf,
    /// Only these measurements; several with commas.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<Measurement>,
    /// Seconds of load in each turn.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub(super) seconds: u32,
    /// Rounds of `hand-out`, `long-lane` and `cpu`.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(super) rounds: u32,
    /// Seconds for which the destination of `outage` is down.
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(20..))]
    pub(super) outage: u32,
    /// Seconds for which the transaction of `held` is open.
    #[arg(long, value_name = "N", default_value_t = 120)]
    pub(super) held: u32,
    /// People who write during `held`.
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    pub(super) people: usize,
    /// Events in the store of `memory`.
    #[arg(long, value_name = "N", default_value_t = 200_000)]
    pub(super) events: usize,
}

/// A measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Measurement {
    /// From the ack of a delivery to its hand-out, also with 5,000 waiting lanes.
    HandOut,
    /// The same beside a lane with 100,000 events behind its waiting head.
    LongLane,
    /// WAL and row writes, compared with a queue of rows.
    Queue,
    /// CPU with three consumers.
    Cpu,
    /// A destination that is down.
    Outage,
    /// A transaction that another client holds open.
    Held,
    /// Memory of ten consumers behind.
    Memory,
}

impl ConsumersOptions {
    /// True if this measurement was chosen, or none.
    pub(super) fn chooses(&self, measurement: Measurement) -> bool {
        self.only.is_empty() || self.only.contains(&measurement)
    }
}
