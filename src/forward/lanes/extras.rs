//! Extras: items out of order, from retried dead letters and replays.
//!
//! An extra is never out beside another item of its lane, and live items go first: an extra goes
//! out once no live item of its lane is known, and then the next live item is held until the extra
//! is settled and saved, or fails. Extras of a lane go out in the order of their offers. Failed
//! attempts of extras are in memory only: after a restart an extra starts at its first attempt.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    time::{Duration, Instant},
};

use super::{Item, LaneKey, Lanes, Origin, State, lane::Lane};

/// Maximum number of retried dead letters in memory.
pub const MOST_RETRIES: usize = 256;

/// Number of live items after which an extra goes out although live items are ready, so that a busy
/// consumer does not starve its extras.
const LIVE_ITEMS: u32 = 8;

/// Extra that is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndedExtra {
    /// Origin of the extra.
    pub origin: Origin,
    /// Position of its event.
    pub position: i64,
    /// Its end.
    pub outcome: Ended,
}

/// End of an extra.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// A worker acked it.
    Settled,
    /// It was skipped.
    Skipped,
    /// It became a dead letter, and is among those of the save.
    Dead,
    /// A retry or another replay handed the event out, and it ended there.
    TakenOver,
}

/// An extra with its state.
#[derive(Debug)]
pub(super) struct Extra {
    pub(super) origin: Origin,
    /// Other replays that have the event. None of them goes on, unless the origin is a retry.
    pub(super) others: BTreeSet<i32>,
    /// A lane of this item only.
    pub(super) lane: Lane,
    /// True if a restart knows of it.
    is_saved: bool,
}

/// Extras of one consumer. They are few: all searches read all of them.
#[derive(Debug, Default)]
pub(super) struct Extras {
    /// In the order of their offers; an event at most once.
    items: Vec<Extra>,
    /// The replay that goes on.
    pub(super) active: Option<i32>,
    /// True if an extra is out of which a restart does not know.
    is_unsaved: bool,
    /// Number of live items handed out since the last extra.
    live_items: u32,
}

impl Lanes {
    /// Takes an extra. Returns false if its event is an extra already, or if there are too many: the
    /// caller offers it again later. The event of a retry goes out for a replay, and that of a replay
    /// that does not go on for both.
    pub fn offer_extra(&mut self, item: Item, origin: Origin) -> bool {
        if self.share_extra(item.position, origin) {
            return true;
        }
        let has_room = match origin {
            Origin::Retry => self.retry_room() > 0,
            Origin::Replay(_) => self.replay_room() > 0,
        };
        has_room && self.extras.add(item, origin, State::Ready)
    }

    /// Takes an extra that an earlier process may have handed out. It is held back like a head, and
    /// holds the head of its lane. Returns false like [`offer_extra`](Self::offer_extra).
    pub fn restore_extra(
        &mut self,
        item: Item,
        origin: Origin,
        leases: Option<&BTreeMap<i64, Duration>>,
        now: Instant,
    ) -> bool {
        if self.share_extra(item.position, origin) {
            return true;
        }
        let rest = self.rest_of_lease(leases, item.position);
        let state = rest.map_or(State::Ready, |rest| State::Out {
            worker: None,
            until: now + rest,
        });
        let is_new = self.extras.add(item, origin, state);
        if is_new {
            self.change_extra(item.position, Lane::remember);
        }
        if rest.is_some() {
            self.change(item.lane, Lane::hold);
        }
        is_new
    }

    /// Number of retried letters that may be offered.
    fn retry_room(&self) -> usize {
        let retries = self.extras.iter().filter(|it| it.origin == Origin::Retry);
        MOST_RETRIES.saturating_sub(retries.count())
    }

    /// Position of the next extra to hand out: of the first lane that is free, the first one. A replay
    /// may have taken a later one before, from another replay.
    pub(super) fn next_extra(&self, now: Instant) -> Option<i64> {
        let mut lanes = HashSet::new();
        let active = self.extras.active;
        let extras = self.extras.iter();
        let mut extras = extras.filter(|extra| extra.origin.goes_on(active));
        extras.find_map(|extra| {
            let key = extra.lane.head.lane;
            let first = (lanes.insert(key) && self.is_free(&extra.lane))
                .then(|| self.extras.first_of(key, extra.origin))??;
            first.lane.is_due(now).then(|| first.position())
        })
    }

    /// True if an extra of this lane may go out: nothing of the lane is live or out.
    fn is_free(&self, lane: &Lane) -> bool {
        let key = lane.head.lane;
        !self.by_key.contains_key(&key)
            && !self.extras.hold(key)
            && !self.may_hide(lane.head.account)
    }

    /// Changes an extra. If it is no longer out, the next live item of its lane may go out.
    pub(super) fn change_extra<T>(
        &mut self,
        position: i64,
        change: impl FnOnce(&mut Lane) -> T,
    ) -> Option<T> {
        let extra = self.extras.get_mut(position)?;
        let key = extra.lane.head.lane;
        let result = change(&mut extra.lane);
        self.go_on(key);
        Some(result)
    }

    /// Makes a held head ready, unless the settlement of the item before it is not saved, or an
    /// extra holds the lane.
    pub(super) fn go_on(&mut self, key: LaneKey) {
        if !self.extras.hold(key) {
            self.change(key, Lane::go_on);
        }
    }
}

impl Extras {
    fn add(&mut self, item: Item, origin: Origin, state: State) -> bool {
        if self.get(item.position).is_some() {
            return false;
        }
        let mut lane = Lane::new(item);
        lane.state = state;
        if origin == Origin::Retry {
            lane.remember();
        }
        self.items.push(Extra {
            is_saved: origin == Origin::Retry || lane.is_out(),
            others: BTreeSet::new(),
            origin,
            lane,
        });
        true
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Extra> {
        self.items.iter()
    }

    /// Extras that go out or are out.
    pub(super) fn present(&self) -> impl Iterator<Item = &Extra> {
        let is_present = |extra: &&Extra| extra.origin.goes_on(self.active) || extra.lane.is_out();
        self.iter().filter(is_present)
    }

    /// Extras of a replay, also those that go out for another origin.
    pub(super) fn of_replay(&self, replay: i32) -> impl Iterator<Item = &Extra> {
        let origin = Origin::Replay(replay);
        self.iter().filter(move |extra| extra.is_of(origin))
    }

    /// Lets this replay go on, with the extras that it has.
    pub(super) fn play(&mut self, active: Option<i32>) {
        self.active = active;
        for extra in &mut self.items {
            if let Some(replay) = active
                && extra.others.contains(&replay)
                && extra.origin != Origin::Retry
            {
                extra.go_out_for(Origin::Replay(replay));
            }
        }
    }

    /// First extra of a lane and an origin.
    fn first_of(&self, key: LaneKey, origin: Origin) -> Option<&Extra> {
        let of_lane = self.iter().filter(|it| it.lane.head.lane == key);
        let extras = of_lane.filter(|it| it.origin == origin);
        extras.min_by_key(|it| it.position())
    }

    /// Extra with the event at `position`.
    pub(super) fn get(&self, position: i64) -> Option<&Extra> {
        self.iter().find(|extra| extra.position() == position)
    }

    /// Same as [`get`](Self::get), to change it.
    pub(super) fn get_mut(&mut self, position: i64) -> Option<&mut Extra> {
        let mut extras = self.items.iter_mut();
        extras.find(|extra| extra.position() == position)
    }

    /// Drops the extras of a replay that are neither out nor settled, nor those of another replay.
    pub(super) fn drop_replay(&mut self, replay: i32) {
        for extra in &mut self.items {
            extra.others.remove(&replay);
            if extra.origin == Origin::Replay(replay)
                && let Some(other) = extra.others.pop_first()
            {
                extra.origin = Origin::Replay(other);
            }
        }
        self.items.retain(|Extra { origin, lane, .. }| {
            *origin != Origin::Replay(replay) || lane.is_out() || lane.unsaved.is_some()
        });
    }

    /// Extras that are out or held back.
    pub(super) fn out(&self) -> impl Iterator<Item = &Lane> {
        let lanes = self.iter().map(|extra| &extra.lane);
        lanes.filter(|lane| lane.is_out())
    }

    /// True if an extra of the lane is out, or settled and not saved.
    pub(super) fn hold(&self, key: LaneKey) -> bool {
        let is_held = |lane: &Lane| lane.is_out() || lane.unsaved.is_some();
        let mut extras = self.iter().map(|extra| &extra.lane);
        extras.any(|lane| lane.head.lane == key && is_held(lane))
    }

    /// True if the next item to go out is an extra, whatever live items are ready.
    pub(super) fn have_turn(&self) -> bool {
        self.live_items >= LIVE_ITEMS
    }

    /// Counts a hand-out, of the extra at this position.
    pub(super) fn count(&mut self, extra: Option<i64>) {
        let live_items = extra.map_or(self.live_items + 1, |_| 0);
        self.live_items = live_items.min(LIVE_ITEMS);
        let extra = extra.and_then(|position| self.get(position));
        self.is_unsaved |= extra.is_some_and(|extra| !extra.is_saved);
    }

    /// True if an extra was handed out of which a restart does not know.
    pub(super) fn is_unsaved(&self) -> bool {
        self.is_unsaved
    }

    /// Notes that all extras are part of a save.
    pub(super) fn save(&mut self) {
        self.is_unsaved = false;
        self.items
            .iter_mut()
            .for_each(|extra| extra.is_saved = true);
    }

    /// Removes the extras whose settlement is part of the save of this number, or of an earlier one.
    /// Returns their lanes.
    pub(super) fn remove_saved(&mut self, number: u64) -> Vec<LaneKey> {
        let is_saved = |extra: &mut Extra| extra.lane.is_saved(number);
        let saved = self.items.extract_if(.., is_saved);
        saved.map(|extra| extra.lane.head.lane).collect()
    }

    /// Number of the replay and position of each unsettled extra of a replay, ascending.
    pub(super) fn replayed(&self) -> Vec<(i32, i64)> {
        let unsettled = self.iter().filter(|extra| extra.lane.unsaved.is_none());
        let of_replays = unsettled.flat_map(|extra| {
            let replays = extra.origin.replay().into_iter();
            let replays = replays.chain(extra.others.iter().copied());
            replays.map(|replay| (replay, extra.position()))
        });
        let mut replayed: Vec<_> = of_replays.collect();
        replayed.sort_unstable();
        replayed
    }

    /// Times at which a lease ends, or a backoff after `now`.
    pub(super) fn times(&self, now: Instant) -> impl Iterator<Item = Instant> {
        self.iter().filter_map(move |extra| match extra.lane.state {
            State::Out { until, .. } => Some(until),
            State::Waiting { until } => Some(until).filter(|until| *until > now),
            State::Ready | State::Parked | State::Held | State::Settled => None,
        })
    }
}

impl Extra {
    pub(super) fn position(&self) -> i64 {
        self.lane.head.position
    }

    /// True if this origin has the extra.
    pub(super) fn is_of(&self, origin: Origin) -> bool {
        let replay = origin.replay();
        self.origin == origin || replay.is_some_and(|replay| self.others.contains(&replay))
    }

    /// Makes `origin` the one for which the extra goes out. A replay that had it keeps it.
    pub(super) fn go_out_for(&mut self, origin: Origin) {
        self.others.extend(self.origin.replay());
        if let Some(replay) = origin.replay() {
            self.others.remove(&replay);
        } else {
            self.lane.remember();
        }
        self.origin = origin;
    }
}
