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
mod rejections;
mod reload;
mod serve;
mod signature;
mod simulate;

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
    eprintln!("hookshelf: {error:#}");
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
