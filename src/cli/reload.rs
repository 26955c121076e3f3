//! `reload`: asks the running server to read `[apps.*]` again.

use std::process::ExitCode;

use clap::Args;

use super::output::Output;
use crate::{
    config::{self, Sources},
    instance::Running,
};

/// Asks the running server to read its apps again, without touching a connection.
///
/// The configuration is checked first: a faulty one is not sent, and would not be taken either.
///
/// Example: hookshelf reload --config /etc/hookshelf/hookshelf.toml
#[derive(Args, Debug)]
pub(super) struct Reload {}

impl Reload {
    pub(super) fn run(sources: &Sources) -> anyhow::Result<ExitCode> {
        let config = config::load(sources).map_err(|faults| {
            anyhow::anyhow!("the server keeps its apps, for the configuration is faulty:\n{faults}")
        })?;
        let running = Running::required(&config.data_dir)?;
        running.signal_reload(&config.data_dir)?;
        let pid = running.pid.unwrap_or_default();
        Output::say(&format!(
            "process {pid} reads its apps again; its log says how it went"
        ))?;
        Ok(ExitCode::SUCCESS)
    }
}
