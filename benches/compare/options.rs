//! The command line of the bench.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::{load::Asked, scenarios};

/// Compares Hookshelf with a plain receiver under the same load.
#[derive(Debug, Parser)]
#[command(name = "compare")]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub(crate) struct Options {
    /// Rounds of each scenario; the servers take turns in every round. Default: 3.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: Option<u32>,
    /// Seconds of load for each server in each round. Default: 8.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: Option<u32>,
    /// Deliveries to each server in scenarios that compare an empty store and a full one. Default:
    /// 300,000.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    deliveries: Option<u32>,
    /// A single round of one second, or of a thousand deliveries: only shows that the bench
    /// works.
    #[arg(long)]
    quick: bool,
    /// Only these scenarios; several with commas.
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = scenarios::NAMES)]
    pub(crate) only: Vec<String>,
    /// Also run the scenarios on a database with millions of messages, which is filled first.
    #[arg(long)]
    pub(crate) stored: bool,
    /// Number of messages in that database.
    #[arg(long, value_name = "N", default_value_t = 5_000_000, value_parser = clap::value_parser!(i64).range(7..))]
    pub(crate) stored_events: i64,
    /// Print one JSON object a line: every turn, then every goal.
    #[arg(long)]
    pub(crate) json: bool,
    /// Flag that `cargo bench` passes to every bench.
    #[arg(long, hide = true)]
    bench: bool,
    /// Role of this process, unless it is the bench itself.
    #[command(subcommand)]
    pub(crate) role: Option<Role>,
}

/// Role in which the bench starts itself again.
#[derive(Debug, Subcommand)]
#[command(hide = true)]
pub(crate) enum Role {
    /// The Postgres in which every server stores.
    Postgres {
        /// Parent of its directory.
        dir: PathBuf,
    },
    /// The plain receiver.
    Plain,
    /// The outside receiver.
    Outside,
    /// The floor, which answers without storing.
    Floor,
}

impl Options {
    /// Number of rounds.
    pub(crate) fn rounds(&self) -> u32 {
        self.rounds.unwrap_or(if self.is_brief() { 1 } else { 3 })
    }

    /// Length of a load on a server in a round.
    pub(crate) fn asked(&self) -> Asked {
        let (seconds, deliveries) = if self.is_brief() {
            (1, 1_000)
        } else {
            (8, 300_000)
        };
        Asked {
            seconds: self.seconds.unwrap_or(seconds),
            deliveries: self.deliveries.unwrap_or(deliveries),
        }
    }

    /// True for a short run. `cargo test --benches` only checks that the bench works.
    fn is_brief(&self) -> bool {
        self.quick || !self.bench
    }
}
