//! Settlements of heads, and their totals.

use std::time::Instant;

use super::{Code, Ended, Item, LaneKey, Lanes, claim::Slot};

/// Reason for settling an item without a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// The event was purged or erased.
    Gone,
    /// The event was older than the maximum age when its turn came.
    TooOld,
    /// The same message came through another app.
    Repeated,
    /// The filter changed, and no longer selects the event.
    Filtered,
}

impl SkipReason {
    /// The reason as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::TooOld => "too_old",
            Self::Repeated => "repeated",
            Self::Filtered => "filtered",
        }
    }
}

/// Numbers of settled items since the consumer exists. An extra counts like a live item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Items that workers acked.
    pub settled: u64,
    /// Items skipped as [`SkipReason::Gone`].
    pub gone: u64,
    /// Items skipped as [`SkipReason::TooOld`].
    pub too_old: u64,
    /// Items skipped as [`SkipReason::Repeated`].
    pub repeated: u64,
    /// Items skipped as [`SkipReason::Filtered`].
    pub filtered: u64,
    /// Items that became dead letters.
    pub dead: u64,
}

impl Counts {
    /// Counts a skipped item.
    pub(super) fn skip(&mut self, reason: SkipReason) {
        let count = match reason {
            SkipReason::Gone => &mut self.gone,
            SkipReason::TooOld => &mut self.too_old,
            SkipReason::Repeated => &mut self.repeated,
            SkipReason::Filtered => &mut self.filtered,
        };
        *count += 1;
    }
}

/// An item that is not tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The item.
    pub item: Item,
    /// Number of failed attempts.
    pub attempts: u32,
    /// Time of the first failed attempt.
    pub first_at: Instant,
    /// Time of the last failed attempt.
    pub last_at: Instant,
    /// Reason for giving up.
    pub reason: Reason,
    /// Code of the last failed attempt.
    pub code: Code,
}

/// Reason for giving up an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// All attempts failed.
    Attempts,
    /// The worker gave up.
    Worker,
}

/// Settlement of the head of a lane.
#[derive(Debug)]
pub(super) struct Settlement {
    outcome: Outcome,
    /// Position of the head, if it has a row.
    row: Option<i64>,
}

/// Outcome of a head.
#[derive(Debug)]
pub(super) enum Outcome {
    /// So many items at once: the head and the next ones.
    Acked(usize),
    Skipped(SkipReason),
    Dead(DeadLetter),
}

impl Lanes {
    /// Settles an item.
    pub(super) fn finish(&mut self, slot: Slot, outcome: Outcome) {
        match slot {
            Slot::Head(key) => self.finish_head(key, outcome),
            Slot::Extra(position) => self.finish_extra(position, outcome),
        }
    }

    fn finish_extra(&mut self, position: i64, outcome: Outcome) {
        let save = self.next_save();
        self.change_extra(position, |lane| lane.settle(save));
        let end = match outcome {
            Outcome::Acked(_) => Ended::Settled,
            Outcome::Skipped(_) => Ended::Skipped,
            Outcome::Dead(_) => Ended::Dead,
        };
        self.end_extra(position, end);
        self.count(outcome);
    }

    fn finish_head(&mut self, key: LaneKey, outcome: Outcome) {
        let save = self.next_save();
        let row = self.change(key, |lane| {
            let row = lane.failures.is_some().then_some(lane.head.position);
            lane.settle(save);
            row
        });
        let row = row.flatten();
        let settlement = Settlement { outcome, row };
        self.unsaved.settlements.insert(key, settlement);
        self.conclude(key);
    }

    /// Makes the settlement of a head part of the next save, unless the next item of its lane is
    /// still looked up: until then the head, its row and its failures are saved as they were.
    pub(super) fn conclude(&mut self, key: LaneKey) {
        if self.by_key.get(&key).is_some_and(|lane| lane.is_settling()) {
            return;
        }
        let Some(Settlement { outcome, row }) = self.unsaved.settlements.remove(&key) else {
            return;
        };
        self.unsaved.rows.extend(row);
        self.count(outcome);
    }

    /// Makes an outcome part of the next save.
    fn count(&mut self, outcome: Outcome) {
        let counts = &mut self.unsaved.counts;
        match outcome {
            Outcome::Acked(items) => counts.settled += items as u64,
            Outcome::Skipped(reason) => counts.skip(reason),
            Outcome::Dead(letter) => {
                counts.dead += 1;
                self.unsaved.dead.push(letter);
            }
        }
    }
}
