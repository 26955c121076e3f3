//! The command line of the bench.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::{load::Asked, scenarios};

/// Compares Hookshelf with a plain receiver under the same load.
#[derive(Debug, Parser)]
#[command(name = "compare")]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub(crate) struct Options {
    /// How often each scenario is run; its servers take turns in every round. 3 unless told
    /// otherwise.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: Option<u32>,
    /// How long each server is loaded in each round. 8 unless told otherwise.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: Option<u32>,
    /// How many deliveries each server gets where an empty store and a full one are compared.
    /// 300,000 unless told otherwise.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    deliveries: Option<u32>,
    /// One round of one second, or of a thousand deliveries: shows that it works, and little more.
    #[arg(long)]
    quick: bool,
    /// Only these scenarios; several with commas.
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = scenarios::NAMES)]
    pub(crate) only: Vec<String>,
    /// Also the scenarios on a database that holds millions of messages, which is filled first.
    #[arg(long)]
    pub(crate) stored: bool,
    /// How many messages that database holds.
    #[arg(long, value_name = "N", default_value_t = 5_000_000, value_parser = clap::value_parser!(i64).range(7..))]
    pub(crate) stored_events: i64,
    /// An object a line: every turn, then every goal.
    #[arg(long)]
    pub(crate) json: bool,
    /// What `cargo bench` says to every bench.
    #[arg(long, hide = true)]
    bench: bool,
    /// What this process is, where it is not the bench itself.
    #[command(subcommand)]
    pub(crate) role: Option<Role>,
}

/// What the bench starts itself again as.
#[derive(Debug, Subcommand)]
#[command(hide = true)]
pub(crate) enum Role {
    /// The Postgres that every server stores in.
    Postgres {
        /// Where its directory is made.
        dir: PathBuf,
    },
    /// The plain receiver.
    Plain,
    /// The outside receiver.
    Outside,
    /// Answers without storing.
    Floor,
}

impl Options {
    /// How many rounds there are.
    pub(crate) fn rounds(&self) -> u32 {
        self.rounds.unwrap_or(if self.is_brief() { 1 } else { 3 })
    }

    /// How long a server is loaded in a round.
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

    /// `cargo test --benches` wants to know whether it works, not how fast.
    fn is_brief(&self) -> bool {
        self.quick || !self.bench
    }
}
