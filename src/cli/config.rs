//! `config`: the values in effect, and what is wrong with them.

use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, Subcommand};

use super::output::Output;
use crate::config::{self, Sources};

/// Shows and checks the configuration.
#[derive(Args, Debug)]
pub(super) struct Config {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Print(Print),
    Check(Check),
}

/// Prints every value in effect as TOML, secrets and passwords redacted.
///
/// Example: hookshelf config print --config /etc/hookshelf/hookshelf.toml
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
struct Print {}

/// Checks the configuration and says everything that is wrong with it.
///
/// Example: hookshelf config check --config /etc/hookshelf/hookshelf.toml
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
struct Check {}

impl Config {
    pub(super) fn run(self, sources: &Sources) -> anyhow::Result<ExitCode> {
        match self.verb {
            Verb::Print(Print {}) => print(sources)?,
            Verb::Check(Check {}) => check(sources)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn print(sources: &Sources) -> anyhow::Result<()> {
    let config = config::load(sources)?;
    let mut output = Output::new();
    output.bytes(config.print().as_bytes())?;
    output.finish()
}

fn check(sources: &Sources) -> anyhow::Result<()> {
    let config = match config::load(sources) {
        Ok(config) => config,
        Err(faults) if faults.len() == 1 => bail!("one fault in the configuration:\n{faults}"),
        Err(faults) => bail!("{} faults in the configuration:\n{faults}", faults.len()),
    };
    let apps: Vec<_> = config.apps.keys().map(ToString::to_string).collect();
    let apps = if apps.is_empty() {
        "none".to_owned()
    } else {
        apps.join(", ")
    };
    let mut output = Output::new();
    output.line(&format!("the configuration is valid; apps: {apps}"))?;
    output.finish()
}
