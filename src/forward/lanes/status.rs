//! Status of a consumer: lanes that wait, workers, and the oldest unsettled item.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;

use super::{Counts, Lanes, State, Token, Waiting, claim::Slot};

/// A lane whose head has failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingLane {
    /// The head and its failures.
    pub head: Waiting,
    /// True if the head is out again.
    pub is_out: bool,
}

impl Lanes {
    /// Lanes whose head has failed, in the order of their heads.
    pub fn waiting_lanes(&self) -> impl Iterator<Item = WaitingLane> {
        let rows = self.index.rows.iter();
        rows.filter_map(|(position, key)| {
            let lane = self.by_key.get(key)?;
            let mut head = self.row(*position)?;
            if let State::Waiting { until } = lane.state {
                head.due_at = until;
            }
            let is_out = lane.is_out();
            Some(WaitingLane { head, is_out })
        })
    }

    /// Workers that have items, with their number.
    pub fn workers(&self) -> BTreeMap<Arc<str>, usize> {
        let mut workers = BTreeMap::new();
        for slot in self.out() {
            if let Some(lane) = self.at(slot)
                && let State::Out { worker, .. } = &lane.state
                && let Some(worker) = worker
            {
                *workers.entry(Arc::clone(worker)).or_default() += 1;
            }
        }
        workers
    }

    /// True if the lease with this token is the present one of its item.
    pub fn is_out(&self, token: &Token) -> bool {
        let slot = if token.is_extra() {
            Slot::Extra(token.position)
        } else {
            Slot::Head(token.lane)
        };
        self.at(slot).is_some_and(|lane| {
            let is_last = lane
                .number
                .is_some_and(|number| number.get() == token.number);
            is_last && lane.head.position == token.position && lane.is_out()
        })
    }

    /// Items settled so far.
    pub fn counts(&self) -> Counts {
        self.unsaved.counts
    }

    /// Position and time of receipt of the first unsettled item; `None` if all items that were read
    /// are settled.
    pub fn oldest(&self) -> Option<(i64, Timestamp)> {
        let open = self.index.open.first_key_value();
        let row = self.index.rows.first_key_value();
        let head = open.into_iter().chain(row).min();
        let head = head.and_then(|(position, key)| {
            let lane = self.by_key.get(key)?;
            Some((*position, lane.head.received_at))
        });
        head.into_iter().chain(self.backlogs.oldest()).min()
    }
}
