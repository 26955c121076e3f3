//! Takeover: the lanes of a consumer as an earlier owner saved them.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use super::{
    Counts, Item, LaneIds, Lanes, Limits, Waiting,
    backlogs::Backlogs,
    lane::{Failures, Lane, State},
};
use crate::store::consumers::Backlog;

/// State of a consumer at its takeover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Number of the takeover, another one each time.
    pub generation: u64,
    /// The saved position. The log is read again after it.
    pub position: i64,
    /// Last position that an event had at the takeover: items up to it may be out. After an orderly
    /// end with known leases it is `position`.
    pub drawn: i64,
    /// Items settled so far.
    pub counts: Counts,
    /// Heads of the lanes that do not wait, if their events still exist.
    pub heads: Vec<(Item, LaneIds)>,
    /// Backlogs of accounts, each with its last event and the ids of that.
    pub backlogs: Vec<(Backlog, Item, LaneIds)>,
    /// Rows of the other lanes, if their events still exist.
    pub waiting: Vec<(Waiting, LaneIds)>,
    /// [`Lanes::leases`] at an orderly end. `None` if any head may be out, as after a crash.
    pub leases: Option<BTreeMap<i64, Duration>>,
}

impl Lanes {
    /// Lanes as saved. Heads that are out are held back for the rest of their leases, in which their
    /// workers may still settle them; then they are handed out again. After a crash, all heads that
    /// may be out are held back for one lease time, and items that were handed out after the last
    /// save go out again at once, marked as such.
    pub fn restore(stored: Stored, limits: Limits, now: Instant) -> Self {
        let mut lanes = Self::new(stored.position, stored.generation, limits);
        lanes.drawn = stored.drawn;
        lanes.backlogs = Backlogs::restore(stored.backlogs);
        lanes.unsaved.counts = stored.counts;
        lanes.unsaved.at_save = stored.counts;
        let heads = stored.heads.into_iter();
        let heads = heads.map(|(item, ids)| (item, ids, None));
        let waiting = stored.waiting.into_iter();
        let waiting = waiting.map(|(row, ids)| (row.item, ids, Some(Failures::from(row))));
        let mut all: Vec<_> = heads.chain(waiting).collect();
        all.sort_by_key(|(item, ..)| item.position);
        for (item, ids, failures) in all {
            lanes.adopt((item, ids), failures, stored.leases.as_ref(), now);
        }
        lanes
    }

    /// Rest of the lease of each item that is out or held back, by position. `None` as long as
    /// further items may have been out before a crash.
    pub fn leases(&self, now: Instant) -> Option<BTreeMap<i64, Duration>> {
        let lease = |slot| {
            let Lane { head, state, .. } = self.at(slot)?;
            match state {
                State::Out { until, .. } => {
                    Some((head.position, until.saturating_duration_since(now)))
                }
                _ => None,
            }
        };
        (self.drawn <= self.cursor).then(|| self.out().filter_map(lease).collect())
    }

    /// Time for which a worker may have the item at `position`, after an end with these leases.
    pub(super) fn rest_of_lease(
        &self,
        leases: Option<&BTreeMap<i64, Duration>>,
        position: i64,
    ) -> Option<Duration> {
        match leases {
            Some(leases) => leases.get(&position).copied(),
            None => Some(self.limits.lease),
        }
    }

    /// Adds a saved lane. If two heads fall into one lane, the second is found again behind the
    /// first.
    fn adopt(
        &mut self,
        (head, ids): (Item, LaneIds),
        failures: Option<Failures>,
        leases: Option<&BTreeMap<i64, Duration>>,
        now: Instant,
    ) {
        if self.by_key.contains_key(&head.lane) {
            let row = failures.map(|_| head.position);
            self.unsaved.rows.extend(row);
            return;
        }
        let due_at = failures.as_ref().map(|it| it.due_at);
        let is_due = due_at.is_none_or(|due_at| due_at <= now);
        let state = match (self.rest_of_lease(leases, head.position), due_at) {
            (Some(rest), _) if is_due || leases.is_some() => State::Out {
                worker: None,
                until: now + rest,
            },
            (_, Some(until)) => State::Waiting { until },
            (_, None) => State::Ready,
        };
        self.insert(Lane::restored(
            head,
            ids,
            failures.map(Box::new),
            self.read_of(head.account),
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
