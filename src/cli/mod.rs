//! The command line: the only place that prints or exits.

mod accounts;
mod api;
mod arrivals;
mod audit;
mod chat;
mod colours;
mod columns;
mod comments;
mod completions;
mod config;
mod consumers;
mod conversations;
mod database;
mod deliveries;
mod destinations;
mod dev_db;
mod doctor;
mod draining;
mod empty;
mod events;
mod filters;
mod find;
mod gaps;
mod healthcheck;
mod help;
mod input;
mod kept;
mod layout;
mod local;
mod migrate;
mod openapi;
mod output;
mod psql;
mod purge;
mod recheck;
mod rejections;
mod reload;
mod reparse;
mod replay;
mod schema;
mod serve;
mod server;
mod signature;
mod signed_request;
mod simulate;
mod spool;
mod spool_status;
mod stats;
mod token;
mod tunnel;

use std::{io::Write, path::PathBuf, process::ExitCode};

use clap::{Command, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::{app, causes, config::Sources};

/// Error message if the system refuses threads.
const NO_THREADS: &str = "failed to start threads: raise the limit of processes (ulimit -u, or \
    TasksMax= of the service)";

/// The exit code of a command line that cannot be understood.
const WRONG_USAGE: u8 = 2;

/// Hookshelf receives Instagram webhooks and stores them in Postgres before it answers.
///
/// Without a verb it runs the server, as `hookshelf serve` does.
///
/// Example: hookshelf serve --config /etc/hookshelf/hookshelf.toml
/// Example: hookshelf simulate
/// Example: hookshelf events list --since 1h
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
    Simulate(Box<simulate::Simulate>),
    Events(events::Events),
    Deliveries(deliveries::Deliveries),
    Rejections(rejections::Rejections),
    Accounts(accounts::Accounts),
    Conversations(conversations::Conversations),
    Comments(comments::Comments),
    Find(find::Find),
    Consumers(consumers::Consumers),
    Destinations(Box<destinations::Destinations>),
    Replay(Box<replay::Replay>),
    Audit(audit::Audit),
    Spool(spool::Spool),
    Psql(psql::Psql),
    Schema(schema::Schema),
    #[command(name = "openapi")]
    OpenApi(openapi::OpenApi),
    Signature(signature::Signature),
    Config(config::Config),
    Token(token::Token),
    Doctor(doctor::Doctor),
    Healthcheck(healthcheck::Healthcheck),
    Completions(completions::Completions),
    #[command(hide = true)]
    DevDb(dev_db::DevDb),
}

/// All verbs with their help, as `--help` shows them.
pub fn command() -> Command {
    help::arranged(Cli::command())
}

/// Runs the command of the arguments, on threads made for the server.
pub fn main() -> ExitCode {
    match app::runtime() {
        Ok(runtime) => runtime.block_on(run()),
        Err(error) => fail(&anyhow::Error::new(error).context(NO_THREADS)),
    }
}

async fn run() -> ExitCode {
    let parsed = command().try_get_matches();
    let cli = match parsed.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(usage) => return show(&usage),
    };
    let sources = Sources::from_process(cli.config);
    let verb = cli.verb.unwrap_or(Verb::Serve(serve::Serve::default()));
    match perform(verb, sources).await {
        Ok(code) => code,
        // Whoever reads has seen enough: `events list | head`.
        Err(error) if error.is::<output::Closed>() => ExitCode::SUCCESS,
        Err(error) => match error.downcast_ref::<clap::Error>() {
            Some(usage) => show(usage),
            None => fail(&error),
        },
    }
}

async fn perform(verb: Verb, sources: Sources) -> anyhow::Result<ExitCode> {
    match verb {
        // The server's whole life is one future, too large for the stack of every other verb.
        Verb::Serve(verb) => Box::pin(verb.run(sources)).await,
        Verb::Reload(verb) => verb.run(&sources).await,
        Verb::Migrate(verb) => verb.run(&sources).await,
        Verb::Simulate(verb) => verb.run(&sources).await,
        Verb::Events(verb) => verb.run(&sources).await,
        Verb::Deliveries(verb) => verb.run(&sources).await,
        Verb::Rejections(verb) => verb.run(&sources).await,
        Verb::Accounts(verb) => verb.run(&sources).await,
        Verb::Conversations(verb) => verb.run(&sources).await,
        Verb::Comments(verb) => verb.run(&sources).await,
        Verb::Find(verb) => verb.run(&sources).await,
        Verb::Consumers(verb) => verb.run(&sources).await,
        Verb::Destinations(verb) => verb.run(&sources).await,
        Verb::Replay(verb) => verb.run(&sources).await,
        Verb::Audit(verb) => verb.run(&sources).await,
        Verb::Spool(verb) => verb.run(&sources).await,
        Verb::Psql(verb) => verb.run(&sources).await,
        Verb::Schema(verb) => verb.run(),
        Verb::OpenApi(verb) => verb.run(),
        Verb::Signature(verb) => verb.run(&sources),
        Verb::Config(verb) => verb.run(&sources),
        Verb::Token(verb) => verb.run(),
        Verb::Doctor(verb) => verb.run(&sources).await,
        Verb::Healthcheck(verb) => verb.run(&sources).await,
        Verb::Completions(verb) => verb.run(),
        Verb::DevDb(verb) => verb.run(&sources).await,
    }
}

/// Prints an error. The exit code reports it, too, if nobody reads standard error.
fn fail(error: &anyhow::Error) -> ExitCode {
    let (wrong, text) = (colours::WRONG, causes::line(error.as_ref()));
    let _ = writeln!(anstream::stderr(), "{wrong}hookshelf:{wrong:#} {text}");
    ExitCode::FAILURE
}

/// Prints the requested help, or an error of usage.
fn show(usage: &clap::Error) -> ExitCode {
    if !usage.use_stderr() {
        let _ = usage.print();
        return ExitCode::SUCCESS;
    }
    let text = usage.render().ansi().to_string();
    let text = text.replacen("error:", "hookshelf:", 1);
    let _ = write!(anstream::stderr(), "{text}");
    ExitCode::from(WRONG_USAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }
}
