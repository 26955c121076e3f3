//! Parts of the health page, from memory: Postgres, the spool, followers, connections, secrets and
//! callback URLs.

use std::{collections::BTreeMap, time::Instant};

use jiff::Timestamp;

use super::faults::{Answer, Faults};
use crate::{
    amounts::{size, span},
    http::api::Api,
    ingest::CircuitBreaker,
    meta::signature::fingerprint,
    spool::{DiskSpace, SpoolReport},
    store::callbacks::{Seen, What},
    telemetry::metrics::{
        COMMIT_FAILURES, CONNECTIONS, CONNECTIONS_CLOSED, CONNECTIONS_REFUSED, FOLLOWER_FAILURES,
        FOLLOWER_LAG_POSITIONS, FOLLOWER_LAG_SECONDS, Recent, SIGNATURES, WAKES,
    },
};

/// Settings of Postgres without which a crash loses commits.
const DURABLE: [&str; 3] = ["fsync", "synchronous_commit", "full_page_writes"];

/// Height of the inside of the drawn tank, and its floor.
const TANK: (u64, u64) = (116, 152);

/// Postgres as its clients see it.
#[derive(Debug)]
pub(super) struct Postgres {
    pub(super) state: Answer,
    pub(super) last_commit: Option<Timestamp>,
    /// Time of the last failed commit, if none has succeeded since.
    pub(super) failed_commit: Option<Timestamp>,
    pub(super) settings: [Setting; 3],
    /// Failed commits by code since the start.
    pub(super) failures: Vec<(String, String)>,
}

/// A setting that protects commits.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) name: &'static str,
    pub(super) state: &'static str,
    pub(super) is_off: bool,
}

/// The spool as a tank.
#[derive(Debug)]
pub(super) struct Tank {
    pub(super) report: SpoolReport,
    /// Share of `spool.max_bytes` in use.
    pub(super) percent: u64,
    /// Expected end of the drain.
    pub(super) end: String,
    pub(super) obstacle: Option<String>,
}

/// A follower with its lag.
#[derive(Debug)]
pub(super) struct Follower {
    pub(super) name: String,
    pub(super) positions: String,
    pub(super) seconds: String,
    pub(super) failures: String,
}

/// Connections of a listener.
#[derive(Debug)]
pub(super) struct Connections {
    pub(super) listener: String,
    pub(super) open: String,
    pub(super) refused: String,
    /// Ended connections by reason.
    pub(super) ended: Vec<(String, String)>,
}

/// A secret of an app.
#[derive(Debug)]
pub(super) struct SecretLine {
    pub(super) app: String,
    pub(super) name: String,
    pub(super) last_delivery: Option<Timestamp>,
    pub(super) last_simulated: Option<Timestamp>,
    /// Signatures since the start.
    pub(super) count: String,
    /// True for a secret that was replaced.
    pub(super) is_previous: bool,
}

/// A callback URL.
#[derive(Debug)]
pub(super) struct Callback {
    pub(super) path: String,
    pub(super) answered: Option<Timestamp>,
    pub(super) refused: Option<Timestamp>,
    pub(super) last_delivery: Option<Timestamp>,
}

impl Postgres {
    pub(super) fn of(api: &Api, recent: &Recent, faults: &Faults) -> Self {
        let lossy = api.readiness.database.lossy();
        let setting = |name: &'static str| {
            let is_off = lossy.as_ref().is_some_and(|off| off.contains(&name));
            let state = match &lossy {
                None => "not known yet",
                Some(_) if is_off => "off",
                Some(_) => "in force",
            };
            Setting {
                name,
                state,
                is_off,
            }
        };
        let breaker = &api.readiness.breaker;
        let now = api.apps.clock().now();
        let ago = |at: Instant| now.checked_sub(at.elapsed()).unwrap_or(now);
        Self {
            state: state(breaker, faults),
            last_commit: breaker.last_commit().map(ago),
            failed_commit: breaker.failed_commit().map(ago),
            settings: DURABLE.map(setting),
            failures: spelled(&recent.total.by(COMMIT_FAILURES.name, "code", &[])),
        }
    }
}

/// State of Postgres. It follows the last outcome of a commit: Postgres may answer, and fail them.
fn state(breaker: &CircuitBreaker, faults: &Faults) -> Answer {
    if faults.is_away() {
        Answer::bad("Unavailable")
    } else if faults.has("disk") {
        Answer::bad("Commits are stopped: its disk is almost full")
    } else if breaker.failed_commit().is_some() {
        Answer::bad("Answers, but the last commit failed")
    } else if breaker.last_commit().is_none() {
        Answer::good("Answers; no commit since the start")
    } else {
        Answer::good("Accepts writes")
    }
}

impl Tank {
    pub(super) fn of(report: SpoolReport) -> Self {
        let percent = report.bytes.saturating_mul(100) / report.max_bytes.max(1);
        let obstacle = report.obstacle_means.as_ref();
        let obstacle = obstacle.or(report.drain_obstacle_means.as_ref()).cloned();
        Self {
            percent: percent.min(100),
            end: expected_end(&report),
            obstacle: obstacle.or_else(|| report.drain_obstacle.clone()),
            report,
        }
    }

    /// Height of the level in the drawing.
    pub(super) fn level(&self) -> u64 {
        let least = if self.report.records > 0 { 2 } else { 0 };
        (TANK.0 * self.percent / 100).max(least)
    }

    /// Top of the level in the drawing.
    pub(super) fn surface(&self) -> u64 {
        TANK.1 - self.level()
    }

    pub(super) fn fill(&self) -> String {
        let (bytes, most) = (size(self.report.bytes), size(self.report.max_bytes));
        format!("{bytes}, {}% of {most}", self.percent)
    }

    pub(super) fn reserved(&self) -> String {
        size(self.report.reserved)
    }

    pub(super) fn rate(&self) -> String {
        format!("{:.1} a second", self.report.drain_rate)
    }

    pub(super) fn dir(&self) -> String {
        self.report.dir.display().to_string()
    }

    pub(super) fn disk(&self) -> Option<Disk> {
        DiskSpace::of(&self.report.dir).map(Disk)
    }

    pub(super) fn left_behind(&self) -> Vec<String> {
        let dirs = self.report.left_behind.iter();
        dirs.map(|dir| dir.display().to_string()).collect()
    }
}

/// Time to drain the spool at the present rate.
fn expected_end(report: &SpoolReport) -> String {
    if report.records == 0 {
        return "empty".to_owned();
    }
    if report.drain_rate <= 0.0 {
        return "not known while nothing drains".to_owned();
    }
    let records = u32::try_from(report.records).unwrap_or(u32::MAX);
    let seconds = format!("{:.0}", f64::from(records) / report.drain_rate);
    format!("in {}", span(seconds.parse().unwrap_or(u64::MAX)))
}

/// Space of a disk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Disk(DiskSpace);

impl Disk {
    pub(super) fn used_percent(self) -> u64 {
        let used = self.0.total.saturating_sub(self.0.free);
        used.saturating_mul(100) / self.0.total.max(1)
    }

    pub(super) fn free(self) -> String {
        size(self.0.free)
    }

    pub(super) fn total(self) -> String {
        size(self.0.total)
    }

    /// Class of the gauge.
    pub(super) fn class(self) -> &'static str {
        match self.used_percent() {
            0..85 => "plain",
            85..95 => "warn",
            _ => "bad",
        }
    }
}

/// Followers with their lags at their last look.
pub(super) fn followers(recent: &Recent) -> Vec<Follower> {
    let positions = recent
        .total
        .by(FOLLOWER_LAG_POSITIONS.name, "follower", &[]);
    let line = |(name, positions): (&str, f64)| {
        let only = [("follower", name)];
        Follower {
            name: name.replace('_', " "),
            positions: format!("{positions:.0}"),
            seconds: format!(
                "{:.1} s",
                recent.total.sum(FOLLOWER_LAG_SECONDS.name, &only)
            ),
            failures: format!("{:.0}", recent.total.sum(FOLLOWER_FAILURES.name, &only)),
        }
    };
    positions.into_iter().map(line).collect()
}

/// Wakes of followers by their cause.
pub(super) fn wakes(recent: &Recent) -> Vec<(String, String)> {
    spelled(&recent.total.by(WAKES.name, "by", &[]))
}

/// Connections of each listener.
pub(super) fn connections(recent: &Recent) -> Vec<Connections> {
    let open = recent.total.by(CONNECTIONS.name, "listener", &[]);
    let line = |(listener, open): (&str, f64)| {
        let only = [("listener", listener)];
        Connections {
            listener: listener.to_owned(),
            open: format!("{open:.0}"),
            refused: format!("{:.0}", recent.total.sum(CONNECTIONS_REFUSED.name, &only)),
            ended: spelled(&recent.total.by(CONNECTIONS_CLOSED.name, "reason", &only)),
        }
    };
    open.into_iter().map(line).collect()
}

/// Secrets of the configured apps with their last use since the start.
pub(super) fn secrets(api: &Api, recent: &Recent) -> Vec<SecretLine> {
    let (apps, seen) = (
        api.apps.configured_apps(),
        api.apps.callbacks().since_start(),
    );
    let mut lines = Vec::new();
    for app in apps.values() {
        for secret in &app.secrets {
            let (app, print) = (app.name.as_str(), fingerprint(&secret.secret));
            let last = |what| {
                let is_of = |it: &&Seen| it.secret == secret.name && it.fingerprint == print;
                latest(seen.iter().filter(is_of), app, what)
            };
            let only = [("app", app), ("secret", secret.name.as_str())];
            lines.push(SecretLine {
                app: app.to_owned(),
                last_delivery: last(What::Delivery),
                last_simulated: last(What::Simulated),
                count: format!("{:.0}", recent.total.sum(SIGNATURES.name, &only)),
                is_previous: secret.name.starts_with("previous"),
                name: secret.name.clone(),
            });
        }
    }
    lines
}

/// Callback URLs of the configured apps with the last requests since the start.
pub(super) fn callbacks(api: &Api) -> Vec<Callback> {
    let (apps, seen) = (
        api.apps.configured_apps(),
        api.apps.callbacks().since_start(),
    );
    let line = |app: &crate::config::App| {
        let last = |what| latest(seen.iter(), app.name.as_str(), what);
        Callback {
            path: app.path(),
            answered: last(What::ChallengeAnswered),
            refused: last(What::ChallengeRefused),
            last_delivery: last(What::Delivery).max(last(What::Simulated)),
        }
    };
    apps.values().map(line).collect()
}

fn latest<'s>(seen: impl Iterator<Item = &'s Seen>, app: &str, what: What) -> Option<Timestamp> {
    let of_app = seen.filter(|it| it.app == app && it.what == what);
    of_app.map(|it| it.last_at).max()
}

/// Counts in digits, with words for the labels.
fn spelled(counts: &BTreeMap<&str, f64>) -> Vec<(String, String)> {
    let counts = counts.iter().filter(|(_, count)| **count > 0.0);
    let words = |(label, count): (&&str, &f64)| (label.replace('_', " "), format!("{count:.0}"));
    counts.map(words).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tank(records: u64, bytes: u64, drain_rate: f64) -> Tank {
        Tank::of(SpoolReport {
            on: true,
            records,
            bytes,
            max_bytes: 1_000,
            drain_rate,
            ..SpoolReport::default()
        })
    }

    #[test]
    fn a_tank_is_filled_by_its_bytes() {
        let [empty, some, full] = [tank(0, 0, 0.0), tank(1, 1, 0.0), tank(9, 2_000, 0.0)];
        assert_eq!((empty.level(), empty.surface()), (0, 152));
        assert_eq!((some.level(), some.percent), (2, 0), "a level can be seen");
        assert_eq!((full.level(), full.surface(), full.percent), (116, 36, 100));
    }

    #[test]
    fn the_end_of_the_drain_is_known_while_it_drains() {
        assert_eq!(tank(0, 0, 0.0).end, "empty");
        assert_eq!(tank(10, 9, 0.0).end, "not known while nothing drains");
        assert_eq!(tank(600, 9, 2.0).end, "in 5 min 0 s");
    }

    #[test]
    fn a_disk_warns_before_it_is_full() {
        let class = |free| Disk(DiskSpace { free, total: 100 }).class();
        assert_eq!([50, 10, 2].map(class), ["plain", "warn", "bad"]);
    }
}
