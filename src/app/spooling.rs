//! Spool of this server: its opening, and its reports to the admin listener, the metrics and the
//! log.

use std::path::PathBuf;

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::Error;
use crate::{
    clock::Clock,
    config::Config,
    http::SpoolApi,
    ingest::Spooling,
    spool::{self, FILE_BYTES, Settings, Spool, SpoolReport},
    telemetry::{LogEvent, SpoolLeftBehind},
    worker::{self, SpoolWatch},
};

/// Settings of the spool in this configuration.
pub(super) fn settings(config: &Config) -> Settings {
    Settings {
        dir: config.spool.directory(&config.data_dir),
        max_bytes: config.spool.max_bytes,
        reserve: config.spool.reserve,
        file_bytes: FILE_BYTES,
    }
}

/// Opens the spool, unless it is off.
pub(super) async fn open(config: &Config, clock: &Clock) -> Result<Option<Spool>, Error> {
    if !config.spool.is_on() {
        return Ok(None);
    }
    let settings = settings(config);
    let clock = clock.clone();
    let opening = tokio::task::spawn_blocking(move || Spool::open(&settings, clock));
    let opened = opening.await.map_err(|_| Error::Defect)?;
    Ok(Some(opened?))
}

/// Finds and logs directories with deliveries that this configuration does not drain.
pub(super) fn left_behind(config: &Config) -> Vec<PathBuf> {
    let used = config.spool.directory(&config.data_dir);
    let used = config.spool.is_on().then_some(used.as_path());
    let found = spool::left_behind(config.spool.others(&config.data_dir), used);
    for dir in found.iter().cloned() {
        SpoolLeftBehind { dir }.emit();
    }
    found
}

/// Runs the periodic check of the spool until `stop`.
pub(super) fn watch(spooling: Spooling, loops: &TaskTracker, stop: CancellationToken) {
    let mut watch = SpoolWatch::new(spooling);
    loops.spawn(worker::repeat(stop, move || {
        let pause = watch.check();
        async move { pause }
    }));
}

/// State for the admin routes of the spool.
pub(super) fn api(
    spooling: Option<&Spooling>,
    config: &Config,
    left_behind: &[PathBuf],
) -> SpoolApi {
    let Some(spooling) = spooling else {
        let off = SpoolReport::off(config.spool.directory(&config.data_dir));
        return SpoolApi::off(off.beside(left_behind.to_vec()));
    };
    SpoolApi::new(spooling.clone())
}
