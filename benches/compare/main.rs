//! `cargo bench --bench compare`: Hookshelf and a plain receiver under the same load, in turn, on
//! the same Postgres; prints all rounds, medians, and the goals.
//!
//! The program starts itself again for roles that need a separate process: the Postgres, the plain
//! receiver and the floor. `docs/performance.md` explains the measurements and the results.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench says what it measured"
)]

mod consumers;
mod costs;
mod deliveries;
mod floor;
mod goals;
mod load;
mod options;
mod outside;
mod people;
mod plain;
mod postgres;
mod reading;
mod request;
mod scenarios;
mod server;
mod stored;
mod stream;
mod tables;
mod turn;
mod usage;

use std::process::ExitCode;

use clap::Parser;
use hookshelf::{app, config::Sources};
use tokio::runtime::Runtime;

use options::{Options, Role};

fn main() -> ExitCode {
    let options = Options::parse();
    match play(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("compare: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs in its role. The floor uses the runtime of Hookshelf, the plain receiver the default
/// runtime of tokio.
fn play(options: &Options) -> anyhow::Result<()> {
    let sources = Sources::from_process(None);
    match &options.role {
        Some(Role::Stream(options)) => Runtime::new()?.block_on(stream::measure(options)),
        Some(Role::Consumers(options)) => Runtime::new()?.block_on(consumers::measure(options)),
        Some(Role::Reading(options)) => Runtime::new()?.block_on(reading::measure(options)),
        Some(Role::Floor) => app::runtime()?.block_on(floor::serve(&sources)),
        Some(Role::Plain) => Runtime::new()?.block_on(plain::serve(&sources)),
        Some(Role::Outside) => Runtime::new()?.block_on(outside::serve(&sources)),
        Some(Role::Postgres { dir }) => Runtime::new()?.block_on(postgres::serve(dir)),
        None => Runtime::new()?.block_on(compare(options)),
    }
}

/// Runs every chosen scenario, prints each result, and the goals at the end.
async fn compare(options: &Options) -> anyhow::Result<()> {
    let scenarios = scenarios::chosen(options);
    let mut postgres = postgres::Postgres::start().await?;
    if scenarios.iter().any(scenarios::Scenario::needs_store) {
        stored::fill(&mut postgres, options.stored_events).await?;
    }
    let (mut costs, mut goals) = (Vec::new(), Vec::new());
    if !options.json {
        tables::circumstances(&postgres.version().await?, options);
    }
    for scenario in &scenarios {
        let rounds = scenario.run(&mut postgres, options).await?;
        costs.extend(costs::of(scenario.title, &rounds));
        goals.extend(goals::of(scenario.name, &rounds));
        if options.json {
            tables::lines(&rounds)?;
        } else {
            tables::scenario(scenario.title, &rounds);
        }
    }
    if options.json {
        return tables::lines(&goals);
    }
    tables::costs(&costs);
    tables::goals(&goals);
    Ok(())
}
