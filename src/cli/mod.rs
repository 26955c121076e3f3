//! The command line: the only place that prints or exits.

mod dev_db;
mod healthcheck;
mod local;
mod migrate;
mod psql;
mod reload;
mod serve;
mod simulate;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::config::Sources;

/// Hookshelf receives Instagram webhooks and stores them in Postgres before it answers.
#[derive(Debug, Parser)]
#[command(name = "hookshelf", version)]
pub struct Cli {
    /// The configuration file; without it the one that HOOKSHELF_CONFIG names.
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
    Psql(psql::Psql),
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
        Verb::Reload(verb) => verb.run(&sources),
        Verb::Migrate(verb) => verb.run(&sources).await,
        Verb::Simulate(verb) => verb.run(&sources).await,
        Verb::Psql(verb) => verb.run(&sources).await,
        Verb::Healthcheck(verb) => verb.run(&sources).await,
        Verb::DevDb(verb) => verb.run(&sources).await,
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("hookshelf: {error:#}");
            ExitCode::FAILURE
        }
    }
}
