//! The command line: the only place that prints or exits.

mod config;
mod database;
mod deliveries;
mod dev_db;
mod events;
mod filters;
mod healthcheck;
mod local;
mod migrate;
mod output;
mod psql;
mod purge;
mod rejections;
mod reload;
mod serve;
mod signature;
mod simulate;
mod stats;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::config::Sources;

/// Hookshelf receives Instagram webhooks and stores them in Postgres before it answers.
#[derive(Debug, Parser)]
#[command(name = "hookshelf", version)]
pub struct Cli {
    /// The configuration file; without it the one that `HOOKSHELF_CONFIG` names.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Serve(serve::Serve),
    Reload(reload::Reload),
    Migrate(migrate::Migrate),
    Simulate(simulate::Simulate),
    Events(events::Events),
    Deliveries(deliveries::Deliveries),
    Rejections(rejections::Rejections),
    Psql(psql::Psql),
    Signature(signature::Signature),
    Config(config::Config),
    Healthcheck(healthcheck::Healthcheck),
    #[command(hide = true)]
    DevDb(dev_db::DevDb),
}

/// Runs what the arguments say.
pub async fn run() -> ExitCode {
    let cli = Cli::parse();
    let sources = Sources::from_process(cli.config);
    let done = match cli.verb.unwrap_or(Verb::Serve(serve::Serve::default())) {
        Verb::Serve(verb) => verb.run(sources).await,
        Verb::Reload(_) => reload::Reload::run(&sources),
        Verb::Migrate(verb) => verb.run(&sources).await,
        Verb::Simulate(verb) => verb.run(&sources).await,
        Verb::Events(verb) => verb.run(&sources).await,
        Verb::Deliveries(verb) => verb.run(&sources).await,
        Verb::Rejections(verb) => verb.run(&sources).await,
        Verb::Psql(verb) => verb.run(&sources).await,
        Verb::Signature(verb) => verb.run(&sources),
        Verb::Config(verb) => verb.run(&sources),
        Verb::Healthcheck(verb) => verb.run(&sources).await,
        Verb::DevDb(verb) => verb.run(&sources).await,
    };
    match done {
        Ok(code) => code,
        // Whoever reads has seen enough: `events list | head`.
        Err(error) if error.is::<output::Closed>() => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

#[expect(
    clippy::print_stderr,
    reason = "what went wrong, for the person who asked"
)]
fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("hookshelf: {}", causes(error));
    ExitCode::FAILURE
}

/// The error and its causes on one line. Some errors quote their cause; it is not said twice.
fn causes(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !text.contains(&cause) {
            let joint = if text.is_empty() { "" } else { ": " };
            text = text + joint + &cause;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn a_cause_is_said_once() {
        let refused = || std::io::Error::other("connection refused");
        let quoting = anyhow::anyhow!(refused()).context("no database: connection refused");
        assert_eq!(causes(&quoting), "no database: connection refused");
        let silent = anyhow::anyhow!(refused()).context("no database");
        assert_eq!(causes(&silent), "no database: connection refused");
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
