//! `hookshelf-torture`: makes faults on purpose while deliveries arrive, and looks whether anything
//! that was acked is missing.
//!
//! `docs/reliability.md` says what it does and what came of it. The program starts itself again in
//! namespaces of its own (`inside`), so that no process and no mount outlives it. What is done in
//! which order comes from the seed (`plan`); `play` does it to a `world` of Hookshelf, Postgres,
//! the link between them, disks and a clock; `stream` sends deliveries meanwhile; `audit` and
//! `verdict` look for each of them afterwards.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for a terminal says what it does"
)]

mod audit;
mod clock;
mod control;
mod disk;
mod effects;
mod emptying;
mod follower;
mod hookshelf;
mod inside;
mod kept;
mod ledger;
mod options;
mod plan;
mod play;
mod postgres;
mod power;
mod process;
mod progress;
mod proxy;
mod random;
mod report;
mod round;
mod run;
mod stream;
mod verdict;
mod world;

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use options::Options;

fn main() -> ExitCode {
    let options = Options::parse();
    match begin(&options) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("torture: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The outer process only waits for the inner one.
fn begin(options: &Options) -> anyhow::Result<ExitCode> {
    if options.plan_only {
        report::plan(options)?;
        return Ok(ExitCode::SUCCESS);
    }
    if !options.inside {
        return inside::start(options);
    }
    inside::mount_memory()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("no runtime")?;
    let good = runtime.block_on(run::run(options))?;
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
