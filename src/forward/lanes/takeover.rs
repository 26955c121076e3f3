//! Takeover: the lanes of a consumer as an earlier owner saved them.

use std::time::Instant;

use super::{
    Counts, Item, LaneIds, Lanes, Limits, Waiting,
    lane::{Failures, Lane, State},
};

/// State of a consumer at its takeover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Number of the takeover, another one each time.
    pub generation: u64,
    /// The saved position. The log is read again after it.
    pub position: i64,
    /// Last position that an event had at the takeover: items up to it may be out. After an orderly
    /// end it is `position`.
    pub drawn: i64,
    /// Items settled so far.
    pub counts: Counts,
    /// Heads of the lanes that do not wait, if their events still exist.
    pub heads: Vec<(Item, LaneIds)>,
    /// Rows of the other lanes, if their events still exist.
    pub waiting: Vec<(Waiting, LaneIds)>,
}

impl Lanes {
    /// Lanes as saved. Heads that may be out are held back for one lease time, in which their
    /// workers may still settle them; then they are handed out again. Items that were handed out
    /// after the last save go out again at once, marked as such.
    pub fn restore(stored: Stored, limits: Limits, now: Instant) -> Self {
        let mut lanes = Self::new(stored.position, stored.generation, limits);
        lanes.drawn = stored.drawn;
        lanes.unsaved.counts = stored.counts;
        lanes.unsaved.at_save = stored.counts;
        let heads = stored.heads.into_iter();
        let heads = heads.map(|(item, ids)| (item, ids, None));
        let waiting = stored.waiting.into_iter();
        let waiting = waiting.map(|(row, ids)| (row.item, ids, Some(Failures::from(row))));
        let mut all: Vec<_> = heads.chain(waiting).collect();
        all.sort_by_key(|(item, ..)| item.position);
        for (item, ids, failures) in all {
            lanes.adopt(item, ids, failures, now);
        }
        lanes
    }

    /// Adds a saved lane. If two heads fall into one lane, the second is found again behind the
    /// first.
    fn adopt(&mut self, head: Item, ids: LaneIds, failures: Option<Failures>, now: Instant) {
        if self.by_key.contains_key(&head.lane) {
            let row = failures.map(|_| head.position);
            self.unsaved.rows.extend(row);
            return;
        }
        let state = match &failures {
            Some(Failures { due_at, .. }) if *due_at > now => State::Waiting { until: *due_at },
            Some(_) | None => State::Out {
                worker: None,
                until: now + self.limits.lease,
            },
        };
        self.insert(Lane::restored(
            head,
            ids,
            failures.map(Box::new),
            self.read,
            state,
        ));
    }
}

impl From<Waiting> for Failures {
    fn from(row: Waiting) -> Self {
        Self {
            attempts: row.attempts,
            first_at: row.first_at,
            due_at: row.due_at,
            code: row.code,
        }
    }
}
