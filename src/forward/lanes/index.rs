//! Index of lanes: everything in it follows from the state of the lanes.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use super::{
    item::{AccountKey, LaneKey},
    lane::{Lane, State},
    places::{Places, Tally},
};

/// Lanes by the state of their heads.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Index {
    /// Lanes without failures that have an unsettled item, by the position of the head.
    pub(super) open: BTreeMap<i64, LaneKey>,
    /// Lanes with failures, by the position of the head. Each has a row in the database.
    pub(super) rows: BTreeMap<i64, LaneKey>,
    /// Heads that are ready for their first attempt.
    pub(super) ready: BTreeSet<i64>,
    /// The same of lanes that came from a backlog.
    pub(super) late: BTreeSet<i64>,
    /// Heads that are ready, but whose account has no place left.
    pub(super) parked: BTreeSet<(AccountKey, i64)>,
    /// Lanes whose head is out or held back, by the end of the lease.
    pub(super) leases: BTreeSet<(Instant, LaneKey)>,
    /// Number of lanes whose head is held back.
    pub(super) held_back: usize,
    /// Waiting lanes, by the time of their next attempt.
    pub(super) retries: BTreeSet<(Instant, LaneKey)>,
    /// Lanes with a settled head, whose next item has to be looked up, or with a held one.
    pub(super) between: BTreeSet<LaneKey>,
    /// Lanes whose last settlement is not saved, by the number of the save.
    pub(super) unsaved: BTreeSet<(u64, LaneKey)>,
    /// Lanes whose next item has to be looked up, now or soon.
    pub(super) wishes: BTreeSet<LaneKey>,
    /// Number of items that count in the window.
    pub(super) items: usize,
    /// Lanes without failures, by account.
    pub(super) untried: Tally,
    pub(super) places: Places,
}

impl Index {
    pub(super) fn new(max_blocked: usize) -> Self {
        Self {
            places: Places::new(max_blocked),
            ..Self::default()
        }
    }

    /// Lane with its head at `position`.
    pub(super) fn lane_at(&self, position: i64) -> Option<LaneKey> {
        let open = self.open.get(&position);
        open.or_else(|| self.rows.get(&position)).copied()
    }

    /// True if the account has no place, and no space for a further head that is parked: an account
    /// gets half of the space that the parked heads leave.
    pub(super) fn is_full(&self, account: AccountKey, window: usize) -> bool {
        let space = (window / 2).saturating_sub(self.parked.len());
        !self.places.has_room(account) && self.untried.of(account) >= space
    }

    /// Adds a lane.
    pub(super) fn add(&mut self, key: LaneKey, lane: &Lane) {
        let position = lane.head.position;
        if lane.failures.is_some() {
            self.rows.insert(position, key);
        } else {
            self.untried.add(lane.head.account);
            if !lane.is_done() {
                self.open.insert(position, key);
            }
        }
        self.items += lane.in_window();
        if lane.takes_place() {
            self.places.take(lane.head.account);
        }
        self.held_back += usize::from(lane.is_held_back());
        self.mark(key, lane, true);
    }

    /// Removes a lane, which must be as it was when it was added.
    pub(super) fn remove(&mut self, key: LaneKey, lane: &Lane) {
        let position = lane.head.position;
        if lane.failures.is_some() {
            self.rows.remove(&position);
        } else {
            self.open.remove(&position);
            self.untried.remove(lane.head.account);
        }
        self.items -= lane.in_window();
        if lane.takes_place() {
            self.places.give_back(lane.head.account);
        }
        self.held_back -= usize::from(lane.is_held_back());
        self.mark(key, lane, false);
    }

    /// Adds or removes the state of a lane.
    fn mark(&mut self, key: LaneKey, lane: &Lane, there: bool) {
        let head = &lane.head;
        match &lane.state {
            State::Ready if lane.is_late => put(&mut self.late, head.position, there),
            State::Ready => put(&mut self.ready, head.position, there),
            State::Parked => put(&mut self.parked, (head.account, head.position), there),
            State::Out { until, .. } => put(&mut self.leases, (*until, key), there),
            State::Waiting { until } => put(&mut self.retries, (*until, key), there),
            State::Held | State::Settled => {}
        }
        if lane.is_between() {
            put(&mut self.between, key, there);
        }
        if let Some(save) = lane.unsaved {
            put(&mut self.unsaved, (save.get(), key), there);
        }
        if lane.has_wish() {
            put(&mut self.wishes, key, there);
        }
    }
}

/// Adds `value` to the set, or removes it.
fn put<T: Ord>(set: &mut BTreeSet<T>, value: T, there: bool) {
    if there {
        set.insert(value);
    } else {
        set.remove(&value);
    }
}
