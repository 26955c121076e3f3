//! Readiness: missing dependencies, and dependencies that the spool covers for.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use super::{Cause, CircuitBreaker};
use crate::spool::Spool;

/// Readiness failures that a working spool covers. Settings that lose commits are not covered.
const COVERED: [&str; 3] = ["database", "disk", "commits"];

/// State of Postgres at the last probe; unavailable until the first probe. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct DatabaseState(Arc<Mutex<Seen>>);

#[derive(Debug)]
struct Seen {
    answered: bool,
    /// Time of the last probe that Postgres answered.
    answered_at: Option<Instant>,
    /// First failed probe or query since then.
    missed_at: Option<Instant>,
    /// Postgres settings that are off although durable commits need them.
    lossy: Vec<&'static str>,
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            answered: false,
            answered_at: None,
            missed_at: Some(Instant::now()),
            lossy: Vec::new(),
        }
    }
}

impl DatabaseState {
    /// Records if Postgres accepts writes; true if it accepts them again.
    pub fn note(&self, answered: bool) -> bool {
        let (mut seen, now) = (self.seen(), Instant::now());
        if answered {
            (seen.answered_at, seen.missed_at) = (Some(now), None);
        } else {
            seen.missed_at.get_or_insert(now);
        }
        let before = std::mem::replace(&mut seen.answered, answered);
        answered && !before
    }

    /// Start of the outage that a failed query noticed at `now`. `failing_since` is the time of the
    /// first failed commit; it says nothing if a probe was answered later.
    fn away_since(&self, now: Instant, failing_since: Option<Instant>) -> Instant {
        let mut seen = self.seen();
        let missed_at = *seen.missed_at.get_or_insert(now);
        let answered_at = seen.answered_at;
        let failing = failing_since.filter(|since| answered_at.is_none_or(|at| *since > at));
        failing.map_or(missed_at, |since| since.min(missed_at))
    }

    /// Records the settings that are off although durable commits need them; true if the list
    /// changed.
    pub fn note_lossy(&self, lossy: &[&'static str]) -> bool {
        let mut seen = self.seen();
        let changed = seen.lossy != lossy;
        seen.lossy = lossy.to_vec();
        changed
    }

    /// Postgres settings that are off although durable commits need them; `None` before the first
    /// answered probe.
    pub fn lossy(&self) -> Option<Vec<&'static str>> {
        let seen = self.seen();
        seen.answered_at.map(|_| seen.lossy.clone())
    }

    /// Missing dependencies of the database. A setting that loses commits is one, unless allowed.
    pub fn missing(&self, allow_lossy: bool) -> Vec<&'static str> {
        let seen = self.seen();
        let away = (!seen.answered).then_some("database");
        let lossy = seen.lossy.iter().copied().filter(|_| !allow_lossy);
        away.into_iter().chain(lossy).collect()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answer of `/readyz`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadinessStatus {
    /// Dependencies that are missing before a delivery can be taken; the server is ready if there
    /// are none.
    pub missing: Vec<&'static str>,
    /// Dependencies that are missing or failing while deliveries are taken, because the spool
    /// covers for Postgres or is not needed now.
    pub degraded: Vec<&'static str>,
}

/// Inputs of readiness. Clones share them.
#[derive(Clone, Debug)]
pub struct Readiness {
    /// State of Postgres at the last probe.
    pub database: DatabaseState,
    /// Value of `database.allow_lossy_commits`.
    pub allow_lossy: bool,
    /// The circuit breaker of commits: a database with a full disk still answers a probe.
    pub breaker: CircuitBreaker,
    /// The spool, which covers for Postgres.
    pub spool: Option<Spool>,
}

impl Readiness {
    /// Current state. Never waits.
    pub fn status(&self) -> ReadinessStatus {
        let spool = self.spool.as_ref();
        let takes = spool.map(|spool| spool.status().obstacle.is_none());
        divide(self.missing(), takes)
    }

    /// True if Postgres did not answer the last probe.
    pub fn is_away(&self) -> bool {
        !self.database.seen().answered
    }

    /// Start of the outage that a failed query noticed at `now`: the first probe, commit or query
    /// that failed since the last answered probe.
    pub fn away_since(&self, now: Instant) -> Instant {
        let failing_since = self.breaker.failing_since();
        self.database.away_since(now, failing_since)
    }

    fn missing(&self) -> Vec<&'static str> {
        let mut missing = self.database.missing(self.allow_lossy);
        let cause = self.breaker.cause().map(Cause::code);
        missing.extend(cause.filter(|code| !missing.contains(code)));
        if missing.is_empty() && self.breaker.is_failing(Instant::now()) {
            missing.push("commits");
        }
        missing
    }
}

/// Splits `missing` into failures that the spool covers and failures that it does not. `takes` is
/// true if the spool takes deliveries, and `None` if there is no spool. A failing spool is missing
/// only if it is needed.
fn divide(missing: Vec<&'static str>, takes: Option<bool>) -> ReadinessStatus {
    let is_covered = |it: &&str| takes == Some(true) && COVERED.contains(it);
    let (mut degraded, mut missing): (Vec<_>, Vec<_>) = missing.into_iter().partition(is_covered);
    if takes == Some(false) && missing.is_empty() {
        degraded.push("spool");
    } else if takes == Some(false) {
        missing.push("spool");
    }
    ReadinessStatus { missing, degraded }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn divided(missing: &[&'static str], takes: Option<bool>) -> [String; 2] {
        let ReadinessStatus { missing, degraded } = divide(missing.to_vec(), takes);
        [missing.join(" "), degraded.join(" ")]
    }

    #[test]
    fn a_spool_that_takes_deliveries_covers_for_postgres_and_not_for_its_settings() {
        let takes = Some(true);
        assert_eq!(divided(&[], takes), ["", ""]);
        for away in COVERED {
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

    #[test]
    fn an_outage_begins_with_the_first_failure_since_the_last_answered_probe() {
        let readiness = Readiness {
            database: DatabaseState::default(),
            allow_lossy: false,
            breaker: CircuitBreaker::new(true),
            spool: None,
        };
        assert!(readiness.is_away(), "until the first probe");
        assert!(readiness.away_since(Instant::now()) < Instant::now());
        let old = Instant::now();
        readiness.breaker.try_failed(old);
        readiness.database.note(true);
        assert!(!readiness.is_away());
        let noticed = Instant::now();
        assert_eq!(
            readiness.away_since(noticed),
            noticed,
            "an old failure is over"
        );
        readiness.database.note(false);
        assert_eq!(readiness.away_since(Instant::now()), noticed);

        readiness.breaker.try_answered();
        readiness.database.note(true);
        let failed = Instant::now();
        readiness.breaker.try_failed(failed);
        readiness.database.note(false);
        assert_eq!(readiness.away_since(Instant::now()), failed);
    }

    #[test]
    fn commits_that_fail_are_missed_when_nothing_else_is() {
        let readiness = Readiness {
            database: DatabaseState::default(),
            allow_lossy: false,
            breaker: CircuitBreaker::new(false),
            spool: None,
        };
        readiness.breaker.open(Cause::Unopened);
        readiness.breaker.gave_up(Instant::now());
        assert_eq!(readiness.missing(), ["database"]);
        assert!(readiness.database.note(true) && !readiness.database.note(true));
        assert_eq!(
            readiness.missing(),
            ["database"],
            "its schema is not up to date"
        );
        readiness.breaker.close(Cause::Unopened);
        assert_eq!(readiness.missing(), ["commits"]);
        assert!(readiness.database.note_lossy(&["fsync"]));
        assert_eq!(readiness.missing(), ["fsync"]);
        assert!(!readiness.database.note_lossy(&["fsync"]));
    }
}
