//! `cargo bench --bench compare`: Hookshelf and a plain receiver under the same load, in turn, on
//! the same Postgres; raw rounds, medians, and the goals that they meet or miss.
//!
//! The program starts itself again for what has to be a process of its own: the Postgres, the
//! plain receiver and the floor. `docs/performance.md` says what is measured and how to read it.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench says what it measured"
)]

mod costs;
mod floor;
mod goals;
mod load;
mod options;
mod plain;
mod postgres;
mod scenarios;
mod server;
mod stored;
mod tables;
mod turn;
mod usage;

use std::process::ExitCode;

use clap::Parser;
use hookshelf::config::Sources;

use options::{Options, Role};

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let done = match options.role {
        None => compare(&options).await,
        Some(Role::Postgres { ref dir }) => postgres::serve(dir).await,
        Some(Role::Plain) => plain::serve(&Sources::from_process(None)).await,
        Some(Role::Floor) => floor::serve(&Sources::from_process(None)).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("compare: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs every scenario that was asked for, prints each when it is done, and the goals at the end.
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
