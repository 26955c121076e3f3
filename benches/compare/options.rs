//! The command line of the bench.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::{consumers::ConsumersOptions, load::Asked, scenarios, server::HOOKSHELF};

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
    #[arg(long, hide = true, global = true)]
    bench: bool,
    /// Another measurement, or the role of this process.
    #[command(subcommand)]
    pub(crate) role: Option<Role>,
}

/// Another measurement, or a role in which the bench starts itself again.
#[derive(Debug, Subcommand)]
pub(crate) enum Role {
    /// Measures live streams: from the ack of a delivery to each reader.
    Stream(StreamOptions),
    /// Measures consumers and destinations.
    Consumers(ConsumersOptions),
    /// Measures requests to the API on a store of ninety days.
    Reading(ReadingOptions),
    /// The Postgres in which every server stores.
    #[command(hide = true)]
    Postgres {
        /// Parent of its directory.
        dir: PathBuf,
    },
    /// The plain receiver.
    #[command(hide = true)]
    Plain,
    /// The outside receiver.
    #[command(hide = true)]
    Outside,
    /// The floor, which answers without storing.
    #[command(hide = true)]
    Floor,
}

/// Options of the measurement of streams.
#[derive(Debug, Args)]
pub(crate) struct StreamOptions {
    /// The program to measure. Default: of this checkout.
    #[arg(long, value_name = "PATH", default_value = HOOKSHELF)]
    pub(crate) program: PathBuf,
    /// Seconds of load in each round.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub(crate) seconds: u32,
    /// Rounds of each load.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) rounds: u32,
}

/// Options of the measurement of requests.
#[derive(Debug, Args)]
pub(crate) struct ReadingOptions {
    /// The program to measure. Default: of this checkout.
    #[arg(long, value_name = "PATH", default_value = HOOKSHELF)]
    pub(crate) program: PathBuf,
    /// Number of events in the store.
    #[arg(long, value_name = "N", default_value_t = 10_000_000)]
    pub(crate) events: i64,
    /// A store that is filled already.
    #[arg(long, value_name = "URL", requires = "log")]
    pub(crate) url: Option<String>,
    /// The log of its Postgres.
    #[arg(long, value_name = "PATH")]
    pub(crate) log: Option<PathBuf>,
    /// Requests of each kind.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
    /// Measure the pages instead, against the requests to the API that return their data.
    #[arg(long, conflicts_with = "only")]
    pub(crate) pages: bool,
    /// Only requests with these words in their names.
    #[arg(long, value_name = "NAME")]
    pub(crate) only: Vec<String>,
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
