//! `hookshelf-torture`: causes faults on purpose while deliveries arrive, and checks that no acked
//! delivery is lost.
//!
//! `docs/reliability.md` describes the method and the results. The program restarts itself in its
//! own namespaces (`inside`), so that no process or mount outlives it. The seed determines the
//! order of faults (`plan`). `play` applies them to a `world` of Hookshelf, Postgres, the link
//! between them, disks and a clock; `stream` sends deliveries meanwhile; `audit` and `verdict`
//! check each delivery afterwards.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for a terminal says what it does"
)]

mod arrivals;
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
mod receiver;
mod report;
mod round;
mod run;
mod stream;
mod verdict;
mod worker;
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

/// Runs the inner program, or as the outer process waits for it.
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
