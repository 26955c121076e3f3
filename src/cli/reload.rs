//! `reload`: has the running server read its configuration again, and reports the outcome.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{anyhow, bail, ensure};
use clap::Args;
use jiff::Timestamp;
use tokio::time::{sleep, timeout};

use super::output::{Output, plain};
use crate::{
    clock::Clock,
    config::{self, Sources},
    instance::{Reading, Running},
};

/// Deadline of the report: the server reads a few files, and tells its service manager before.
const PATIENCE: Duration = Duration::from_secs(10);

/// Pause between two looks for the report.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Has the running server read its apps, tokens, consumers and destinations again, without touching a
/// connection, and says how it went. All other keys need a restart.
///
/// The server reads the configuration file with which it was started, or `credentials.toml` in its
/// data directory if no app is configured; --config with another file is refused. A faulty
/// configuration changes nothing.
///
/// Example: hookshelf reload --config /etc/hookshelf/hookshelf.toml
#[derive(Args, Debug)]
pub(super) struct Reload {}

impl Reload {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<ExitCode> {
        let config = config::load(sources).map_err(|faults| {
            anyhow!("invalid configuration, so the server keeps its apps:\n{faults}")
        })?;
        let dir = &config.data_dir;
        let server = Running::required(dir)?;
        if let (Some(named), Some(last)) = (sources.config_file(), server.reading(dir)) {
            check_file(&named, &last, &server)?;
        }
        let asked = Clock::system().now();
        server.signal_reload(dir)?;
        let reading = timeout(PATIENCE, reading_since(asked, dir, &server)).await;
        let reading = reading.map_err(|_| silent(&server))??;
        report(&reading, &server)
    }
}

/// Refuses a file that the server does not read: nothing would come of a reload.
fn check_file(named: &Path, last: &Reading, server: &Running) -> anyhow::Result<()> {
    let process = server.process();
    let shown = named.display();
    let Some(read) = &last.file else {
        let credentials = last.credentials.iter();
        let credentials = credentials.map(|it| {
            let file = plain(&it.display().to_string());
            format!(
                "; or write the secrets into {file} and run `hookshelf reload` without --config"
            )
        });
        bail!(
            "hookshelf serve{process} was started without a configuration file and does not read \
             {shown}: restart it with `hookshelf serve --config {shown}`{}",
            credentials.collect::<String>()
        );
    };
    let same = named == read || resolved(named).is_some_and(|it| Some(it) == resolved(read));
    let read = plain(&read.display().to_string());
    ensure!(
        same,
        "hookshelf serve{process} reads {read} and not {shown}: change that file, or restart the \
         server with `hookshelf serve --config {shown}`"
    );
    Ok(())
}

fn resolved(path: &Path) -> Option<PathBuf> {
    fs::canonicalize(path).ok()
}

/// Waits for a reading that the server began after it was asked.
async fn reading_since(asked: Timestamp, dir: &Path, server: &Running) -> anyhow::Result<Reading> {
    loop {
        if let Some(reading) = server.reading(dir).filter(|it| it.begun >= asked) {
            return Ok(reading);
        }
        let now = Running::find(dir)?;
        ensure!(
            now.is_some_and(|now| now.id == server.id),
            "hookshelf serve{} ended before it had reloaded its apps; see its log",
            server.process()
        );
        sleep(LOOK_EVERY).await;
    }
}

fn silent(server: &Running) -> anyhow::Error {
    anyhow!(
        "hookshelf serve{} did not report the result of the reload within {} s: it hangs, is still \
         starting or already stopping, or its disk is full; see its log",
        server.process(),
        PATIENCE.as_secs()
    )
}

/// Reports the result of the reload.
fn report(reading: &Reading, server: &Running) -> anyhow::Result<ExitCode> {
    let files = reading.file.iter().chain(&reading.credentials);
    let files: Vec<_> = files.map(|it| plain(&it.display().to_string())).collect();
    let from = match &files[..] {
        [] => "its environment".to_owned(),
        files => files.join(" and "),
    };
    let process = server.process();
    if let Some(fault) = &reading.fault {
        let fault: Vec<_> = fault.lines().map(plain).collect();
        bail!(
            "hookshelf serve{process} failed to reload {from} and keeps its apps: {}",
            fault.join("\n")
        );
    }
    let apps: Vec<_> = reading.apps.iter().map(|app| plain(app)).collect();
    Output::say(&format!(
        "hookshelf serve{process} reloaded {from}; apps: {}",
        apps.join(", ")
    ))?;
    Ok(ExitCode::SUCCESS)
}
