//! Whether the writer gets on: counted by it, looked at by who watches over the process.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// For how long a commit that failed speaks for the next one, where none was tried since: whoever
/// sends nothing to a server that is not ready would else never see it ready again.
const REMEMBERED_FOR: Duration = Duration::from_secs(10);

/// A turn of the writer has a deadline far below this, whatever Postgres does.
const LONGEST_TURN: Duration = Duration::from_secs(10);

/// What the writer counts. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Pulse(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    handed: AtomicU64,
    settled: AtomicU64,
    turns: AtomicU64,
    /// Events of the deliveries that wait.
    events: AtomicUsize,
    /// When the last commit failed, if it did.
    failed: Mutex<Option<Instant>>,
    /// After commits that failed, another is on its way.
    trying_again: AtomicBool,
}

/// A try after commits that failed, until it is dropped.
#[derive(Debug)]
pub(super) struct TryingAgain(Pulse);

impl Drop for TryingAgain {
    fn drop(&mut self) {
        self.0.0.trying_again.store(false, Ordering::Relaxed);
    }
}

impl Pulse {
    /// How many events wait for their commit.
    pub(super) fn events(&self) -> usize {
        self.0.events.load(Ordering::Relaxed)
    }

    /// A delivery with so many events is handed over.
    pub(super) fn hand_over(&self, events: usize) {
        self.0.handed.fetch_add(1, Ordering::Relaxed);
        self.0.events.fetch_add(events, Ordering::Relaxed);
    }

    /// A batch was sent to Postgres, and it is known what came of it.
    pub(super) fn turn(&self) {
        self.0.turns.fetch_add(1, Ordering::Relaxed);
    }

    /// Another commit is tried after some that failed.
    pub(super) fn try_again(&self) -> TryingAgain {
        self.0.trying_again.store(true, Ordering::Relaxed);
        TryingAgain(self.clone())
    }

    /// Whether what queues now would wait for a commit that may fail as those before it.
    pub(super) fn is_trying_again(&self) -> bool {
        self.0.trying_again.load(Ordering::Relaxed)
    }

    /// A commit failed at `now`, and not for its values.
    pub(super) fn fail(&self, now: Instant) {
        *self.failed() = Some(now);
    }

    /// A commit succeeded.
    pub(super) fn succeed(&self) {
        *self.failed() = None;
    }

    /// Whether the last commit failed, a moment before `now`.
    pub fn is_failing(&self, now: Instant) -> bool {
        let failed = *self.failed();
        failed.is_some_and(|at| now.saturating_duration_since(at) < REMEMBERED_FOR)
    }

    fn failed(&self) -> MutexGuard<'_, Option<Instant>> {
        let failed = self.0.failed.lock();
        failed.unwrap_or_else(PoisonError::into_inner)
    }

    /// So many deliveries with so many events were settled, in one way or another.
    pub(super) fn settle(&self, deliveries: usize, events: usize) {
        let settled = u64::try_from(deliveries).unwrap_or(u64::MAX);
        self.0.settled.fetch_add(settled, Ordering::Relaxed);
        self.0.events.fetch_sub(events, Ordering::Relaxed);
    }

    fn is_idle(&self) -> bool {
        let settled = self.0.settled.load(Ordering::Relaxed);
        self.0.handed.load(Ordering::Relaxed) <= settled
    }
}

/// Feels a [`Pulse`] from time to time.
#[derive(Debug)]
pub struct Watch {
    pulse: Pulse,
    turns: u64,
    since: Instant,
}

impl Watch {
    /// A watch that begins at `now`.
    pub fn new(pulse: Pulse, now: Instant) -> Self {
        let turns = pulse.0.turns.load(Ordering::Relaxed);
        Self {
            pulse,
            turns,
            since: now,
        }
    }

    /// Whether nothing waits for the writer, or it made a turn not long ago. Commits that fail are
    /// turns too: a Postgres that is away is no reason to start this process again.
    pub fn is_well(&mut self, now: Instant) -> bool {
        let turns = self.pulse.0.turns.load(Ordering::Relaxed);
        if turns != self.turns || self.pulse.is_idle() {
            (self.turns, self.since) = (turns, now);
        }
        now.saturating_duration_since(self.since) < LONGEST_TURN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn an_idle_writer_is_well_however_long() {
        let start = Instant::now();
        let pulse = Pulse::default();
        let mut watch = Watch::new(pulse.clone(), start);
        assert!(watch.is_well(start + 100 * SECOND));
        pulse.hand_over(3);
        pulse.settle(1, 3);
        assert!(watch.is_well(start + 200 * SECOND));
    }

    #[test]
    fn a_failed_commit_is_remembered_until_one_succeeds_or_it_is_long_ago() {
        let (start, pulse) = (Instant::now(), Pulse::default());
        assert!(!pulse.is_failing(start));
        pulse.fail(start);
        assert!(pulse.is_failing(start + 9 * SECOND));
        assert!(!pulse.is_failing(start + 10 * SECOND));
        pulse.succeed();
        assert!(!pulse.is_failing(start));
    }

    #[test]
    fn a_writer_that_makes_no_turn_while_deliveries_wait_is_not_well() {
        let start = Instant::now();
        let pulse = Pulse::default();
        let mut watch = Watch::new(pulse.clone(), start);
        pulse.hand_over(3);
        assert!(watch.is_well(start + 9 * SECOND));
        assert!(!watch.is_well(start + 10 * SECOND));
        pulse.turn();
        assert!(watch.is_well(start + 11 * SECOND), "it gets on again");
        assert!(!watch.is_well(start + 21 * SECOND));
        pulse.settle(1, 3);
        assert!(watch.is_well(start + 22 * SECOND));
    }
}
