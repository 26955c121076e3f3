//! The spool of this server: how it is opened, and what the admin listener, the metrics and the log
//! tell of it.

use std::{path::PathBuf, time::Instant};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{Error, Started};
use crate::{
    clock::Clock,
    config::Config,
    http::{SpoolDesk, Standing},
    query::SpoolReader,
    spool::{self, Draining, FILE_BYTES, Report, Settings, Spool},
    telemetry::{Happening, SpoolLeftBehind},
    worker::{self, Drained, SpoolWatch},
};

/// What of Postgres a spool that takes deliveries makes up for. Settings that lose what Postgres
/// has committed are not among it.
const STANDS_IN_FOR: [&str; 3] = ["database", "disk", "commits"];

/// What the spool of this configuration is opened with.
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

/// The directories with deliveries that this configuration does not drain; says so.
pub(super) fn left_behind(config: &Config) -> Vec<PathBuf> {
    let used = config.spool.directory(&config.data_dir);
    let used = config.spool.is_on().then_some(used.as_path());
    let found = spool::left_behind(config.spool.others(&config.data_dir), used);
    for dir in found.iter().cloned() {
        SpoolLeftBehind { dir }.emit();
    }
    found
}

/// A spool that is open, and how its drain gets on.
#[derive(Clone, Debug)]
pub(super) struct Spooling {
    pub(super) spool: Spool,
    pub(super) settings: Settings,
    pub(super) drained: Drained,
    pub(super) clock: Clock,
    /// Where deliveries lie that it does not drain.
    pub(super) left_behind: Vec<PathBuf>,
}

impl Spooling {
    /// How it stands now; asks nobody.
    fn report(&self) -> Report {
        let obstacle = self.drained.obstacle();
        let draining = Draining {
            total: self.drained.total(),
            rate: self.drained.rate(Instant::now()),
            passed_over: self.drained.passed_over(),
            obstacle: obstacle.as_ref().map(|it| it.code),
            why: obstacle.and_then(|it| it.why),
        };
        let now = self.clock.now();
        let report = Report::of(&self.settings, self.spool.status(), draining, now);
        report.beside(self.left_behind.clone())
    }

    /// Measures it, has it try again what was in its way, and says what changes, until `stop`.
    pub(super) fn watch(self, loops: &TaskTracker, stop: CancellationToken) {
        let spool = self.spool.clone();
        let mut watch = SpoolWatch::new(move || self.report());
        loops.spawn(worker::repeat(stop, move || {
            spool.try_again();
            let pause = watch.look();
            async move { pause }
        }));
    }
}

/// What the routes of the spool ask.
pub(super) fn desk(spooling: Option<&Spooling>, config: &Config, started: &Started) -> SpoolDesk {
    let Some(open) = spooling.cloned() else {
        let off = Report::off(config.spool.directory(&config.data_dir));
        return SpoolDesk::off(off.beside(started.left_behind.clone()));
    };
    let reader = SpoolReader::new(open.spool.clone());
    let drained = open.drained.clone();
    SpoolDesk::new(reader, move || open.report(), move || drained.wake())
}

/// What is missing in Postgres, where the spool stands in for some of it.
pub(super) fn standing(missing: Vec<&'static str>, spool: Option<&Spool>) -> Standing {
    let takes = spool.map(|spool| spool.status().obstacle.is_none());
    divide(missing, takes)
}

/// The same; `takes` is whether the spool takes deliveries, where there is one. One that does not
/// is named: as degraded while Postgres does.
fn divide(missing: Vec<&'static str>, takes: Option<bool>) -> Standing {
    let stands_in = |it: &&str| takes == Some(true) && STANDS_IN_FOR.contains(it);
    let (mut degraded, mut missing): (Vec<_>, Vec<_>) = missing.into_iter().partition(stands_in);
    if takes == Some(false) && missing.is_empty() {
        degraded.push("spool");
    } else if takes == Some(false) {
        missing.push("spool");
    }
    Standing { missing, degraded }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn divided(missing: &[&'static str], takes: Option<bool>) -> [String; 2] {
        let Standing { missing, degraded } = divide(missing.to_vec(), takes);
        [missing.join(" "), degraded.join(" ")]
    }

    #[test]
    fn a_spool_that_takes_deliveries_stands_in_for_postgres_and_not_for_its_settings() {
        let takes = Some(true);
        assert_eq!(divided(&[], takes), ["", ""]);
        for away in STANDS_IN_FOR {
            assert_eq!(divided(&[away], takes), ["", away]);
            assert_eq!(divided(&[away], None), [away, ""]);
        }
        assert_eq!(
            divided(&["database", "fsync"], takes),
            ["fsync", "database"]
        );
    }

    #[test]
    fn a_spool_that_takes_none_is_named_and_missed_only_when_it_is_needed() {
        let full = Some(false);
        assert_eq!(divided(&[], full), ["", "spool"]);
        assert_eq!(divided(&["database"], full), ["database spool", ""]);
    }
}
