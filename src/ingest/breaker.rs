//! Circuit breaker between the committer and Postgres.
//!
//! While the breaker is closed, commits go through. The first moments of an outage are bridged with
//! retries: a restart of Postgres takes a second or two. While it is open, no delivery waits:
//! deliveries go into the spool or are refused with 503, and an occasional probe detects when
//! Postgres is back. Before the first connection and below `database.min_free` there is no probe
//! either.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Time for which a failed commit counts as the state of Postgres if no other was tried since.
/// Without this limit, a server that is not ready would get no delivery and never become ready
/// again.
const REMEMBERED_FOR: Duration = Duration::from_secs(10);

/// Time from the first failure during which deliveries wait for a retry. The last retry may use the
/// rest of the writer's deadline.
const WAITED_OUT: Duration = Duration::from_millis(1_500);

/// The same limit if there is a spool: enough to replace a lost session.
const BRIEFLY: Duration = Duration::from_millis(200);

const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Reason to try no commit, whether or not Postgres would accept it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The database was not reached since the start, or its schema is not up to date yet.
    Unopened,
    /// The disk of the database has less free space than `database.min_free`. A full disk stops
    /// Postgres.
    DiskLow,
}

impl Cause {
    const ALL: [Self; 2] = [Self::Unopened, Self::DiskLow];

    /// Label for metrics and logs, from a bounded set.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unopened => "database",
            Self::DiskLow => "disk",
        }
    }
}

/// Circuit breaker; closed at first. Clones share one state.
#[derive(Clone, Debug)]
pub struct CircuitBreaker(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// A flag for each of [`Cause::ALL`].
    causes: [bool; 2],
    /// Failures since the last try that Postgres answered.
    outage: Option<Outage>,
    /// Time of the last failed commit, until a commit succeeds.
    given_up: Option<Instant>,
    /// Time of the last successful commit.
    committed: Option<Instant>,
    waited_out: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Outage {
    since: Instant,
    pause: Duration,
    next: Instant,
}

impl CircuitBreaker {
    /// A closed breaker. Deliveries wait only briefly for a retry if there is a spool.
    pub fn new(has_spool: bool) -> Self {
        Self(Arc::new(Mutex::new(State {
            causes: [false; 2],
            outage: None,
            given_up: None,
            committed: None,
            waited_out: if has_spool { BRIEFLY } else { WAITED_OUT },
        })))
    }

    /// Opens the breaker for this cause; true if the cause is new.
    pub fn open(&self, cause: Cause) -> bool {
        !std::mem::replace(&mut self.state().causes[cause as usize], true)
    }

    /// Removes this cause; true if it was set.
    pub fn close(&self, cause: Cause) -> bool {
        std::mem::take(&mut self.state().causes[cause as usize])
    }

    /// The first cause that keeps the breaker open, if any.
    pub fn cause(&self) -> Option<Cause> {
        let state = self.state();
        let mut all = Cause::ALL.into_iter();
        all.find(|cause| state.causes[*cause as usize])
    }

    /// True if the last commit failed shortly before `now`.
    pub fn is_failing(&self, now: Instant) -> bool {
        let given_up = self.state().given_up;
        given_up.is_some_and(|at| now.saturating_duration_since(at) < REMEMBERED_FOR)
    }

    /// Time of the first try since Postgres last answered one; `None` if it answered the last try.
    pub(super) fn failing_since(&self) -> Option<Instant> {
        self.state().outage.map(|outage| outage.since)
    }

    /// True if the next commit is a probe, because the last commit failed.
    pub(super) fn is_probing(&self) -> bool {
        self.failed_commit().is_some()
    }

    /// Time at which the next commit may be tried: now, after a pause, or `None` if deliveries do
    /// not wait for a retry.
    pub(super) fn next_try(&self, now: Instant) -> Option<Instant> {
        let state = self.state();
        if state.causes.contains(&true) {
            return None;
        }
        match state.outage {
            Some(outage) if outage.next > now => {
                let is_young = outage.next <= outage.since + state.waited_out;
                is_young.then_some(outage.next)
            }
            Some(_) | None => Some(now),
        }
    }

    /// Latest start of a try for a batch that is sent at `now`.
    pub(super) fn last_try(&self, now: Instant) -> Instant {
        now + self.state().waited_out
    }

    /// Records a failed try. The next try is due after a pause that grows exponentially.
    pub(super) fn try_failed(&self, now: Instant) {
        let mut state = self.state();
        let (since, pause) = match state.outage {
            Some(outage) => (outage.since, LONGEST_PAUSE.min(outage.pause * 2)),
            None => (now, SHORTEST_PAUSE),
        };
        let next = now + pause;
        state.outage = Some(Outage { since, pause, next });
    }

    /// Records a try that Postgres answered.
    pub(super) fn try_answered(&self) {
        self.state().outage = None;
    }

    /// Records a successful commit; true if the commit before failed.
    pub(super) fn committed(&self) -> bool {
        let mut state = self.state();
        state.committed = Some(Instant::now());
        state.given_up.take().is_some()
    }

    /// Time of the last successful commit of this process.
    pub fn last_commit(&self) -> Option<Instant> {
        self.state().committed
    }

    /// Time of the last failed commit, if none has succeeded since.
    pub fn failed_commit(&self) -> Option<Instant> {
        self.state().given_up
    }

    /// Records a failed commit; true if it is the first failure.
    pub(super) fn gave_up(&self, now: Instant) -> bool {
        self.state().given_up.replace(now).is_none()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_breaker_is_open_for_each_cause_until_none_is_left() {
        let breaker = CircuitBreaker::new(true);
        let now = Instant::now();
        assert_eq!((breaker.cause(), breaker.next_try(now)), (None, Some(now)));
        assert!(breaker.open(Cause::DiskLow), "that is new");
        assert!(!breaker.open(Cause::DiskLow), "that was so before");
        assert!(breaker.clone().open(Cause::Unopened));
        assert_eq!(breaker.cause(), Some(Cause::Unopened));
        assert!(breaker.close(Cause::Unopened));
        assert_eq!(breaker.cause(), Some(Cause::DiskLow));
        assert_eq!(breaker.next_try(now), None);
        assert!(breaker.close(Cause::DiskLow));
        assert!(!breaker.close(Cause::DiskLow));
        assert_eq!((breaker.cause(), breaker.next_try(now)), (None, Some(now)));
    }

    #[test]
    fn a_failed_commit_is_remembered_until_one_succeeds_or_it_is_long_ago() {
        let (start, breaker) = (Instant::now(), CircuitBreaker::new(true));
        assert!(!breaker.is_failing(start) && !breaker.is_probing());
        assert!(breaker.gave_up(start), "that is new");
        assert!(!breaker.gave_up(start), "that was so before");
        assert!(breaker.is_failing(start + millis(9_999)));
        assert!(!breaker.is_failing(start + millis(10_000)));
        assert!(breaker.is_probing());
        assert!(breaker.committed());
        assert!(!breaker.is_failing(start) && !breaker.is_probing());
        assert!(!breaker.committed());
    }

    #[test]
    fn a_young_outage_is_waited_out_by_tries_that_come_ever_later() {
        let began = Instant::now();
        let (breaker, mut now, mut pauses) = (CircuitBreaker::new(false), began, Vec::new());
        assert_eq!(breaker.next_try(now), Some(now));
        breaker.try_failed(now);
        while let Some(next) = breaker.next_try(now) {
            pauses.push(next - now);
            now = next;
            breaker.try_failed(now);
        }
        assert_eq!(pauses, [10, 20, 40, 80, 160, 320, 500].map(millis));
        assert!(now - began <= WAITED_OUT);
    }

    #[test]
    fn an_outage_is_hardly_waited_out_beside_a_spool() {
        let began = Instant::now();
        let breaker = CircuitBreaker::new(true);
        breaker.try_failed(began);
        let first = breaker.next_try(began);
        assert_eq!(first, Some(began + SHORTEST_PAUSE), "for a new session");
        let mut now = began;
        while let Some(next) = breaker.next_try(now) {
            now = next;
            breaker.try_failed(now);
        }
        assert!(now - began <= BRIEFLY);
    }

    #[test]
    fn an_old_outage_is_probed_now_and_then_and_nobody_waits_for_it() {
        let began = Instant::now();
        let breaker = CircuitBreaker::new(false);
        breaker.try_failed(began);
        let later = began + millis(60_000);
        assert_eq!(breaker.next_try(later), Some(later), "one try is due");
        for _ in 0..9 {
            breaker.try_failed(later);
        }
        assert_eq!(breaker.next_try(later + millis(499)), None);
        let due = later + LONGEST_PAUSE;
        assert_eq!(breaker.next_try(due), Some(due));
        breaker.try_answered();
        assert_eq!(breaker.next_try(later), Some(later));
    }
}
