//! Writer progress counters, read by the watchdog.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// Maximum time without progress of the committer while deliveries wait. A batch takes much less,
/// whatever Postgres does.
const LONGEST_TURN: Duration = Duration::from_secs(10);

/// Counters of the writer. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct WriterProgress(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    handed: AtomicU64,
    settled: AtomicU64,
    turns: AtomicU64,
    /// Events of waiting deliveries.
    events: AtomicUsize,
}

impl WriterProgress {
    /// Number of events that wait for their commit.
    pub(super) fn events(&self) -> usize {
        self.0.events.load(Relaxed)
    }

    /// Records a queued delivery and its events.
    pub(super) fn hand_over(&self, events: usize) {
        self.0.handed.fetch_add(1, Relaxed);
        self.0.events.fetch_add(events, Relaxed);
    }

    /// Records that the result of a batch is known.
    pub(super) fn turn(&self) {
        self.0.turns.fetch_add(1, Relaxed);
    }

    /// Records settled deliveries and events.
    pub(super) fn settle(&self, deliveries: usize, events: usize) {
        let settled = u64::try_from(deliveries).unwrap_or(u64::MAX);
        self.0.settled.fetch_add(settled, Relaxed);
        self.0.events.fetch_sub(events, Relaxed);
    }

    fn is_idle(&self) -> bool {
        let settled = self.0.settled.load(Relaxed);
        self.0.handed.load(Relaxed) <= settled
    }
}

/// Watchdog over [`WriterProgress`], which it compares from check to check.
#[derive(Debug)]
pub struct Watchdog {
    progress: WriterProgress,
    turns: u64,
    since: Instant,
}

impl Watchdog {
    /// A watchdog that starts at `now`.
    pub fn new(progress: WriterProgress, now: Instant) -> Self {
        let turns = progress.0.turns.load(Relaxed);
        Self {
            progress,
            turns,
            since: now,
        }
    }

    /// True if no delivery waits, or if the committer made progress recently. Failed commits are
    /// progress too: a restart of this process would not repair Postgres.
    pub fn is_well(&mut self, now: Instant) -> bool {
        let turns = self.progress.0.turns.load(Relaxed);
        if turns != self.turns || self.progress.is_idle() {
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
        let progress = WriterProgress::default();
        let mut watchdog = Watchdog::new(progress.clone(), start);
        assert!(watchdog.is_well(start + 100 * SECOND));
        progress.hand_over(3);
        progress.settle(1, 3);
        assert!(watchdog.is_well(start + 200 * SECOND));
    }

    #[test]
    fn a_writer_that_makes_no_turn_while_deliveries_wait_is_not_well() {
        let start = Instant::now();
        let progress = WriterProgress::default();
        let mut watchdog = Watchdog::new(progress.clone(), start);
        progress.hand_over(3);
        assert!(watchdog.is_well(start + 9 * SECOND));
        assert!(!watchdog.is_well(start + 10 * SECOND));
        progress.turn();
        assert!(watchdog.is_well(start + 11 * SECOND), "it gets on again");
        assert!(!watchdog.is_well(start + 21 * SECOND));
        progress.settle(1, 3);
        assert!(watchdog.is_well(start + 22 * SECOND));
    }
}
