//! Extras of replays. One replay at a time goes on; extras of the others stay, and do not go out.

use std::collections::HashSet;

use super::{Ended, EndedExtra, Item, Lane, Lanes, Lease, Origin, SkipReason};

/// Maximum number of lanes with extras of replays.
pub const MOST_LANES: usize = 192;

/// Maximum number of extras of replays. A lane that waits has many extras behind its first one, which
/// must not stop the other lanes.
pub const MOST_REPLAYED: usize = 1_024;

impl Lanes {
    /// Lets this replay go on, and no other one. Extras of the others that are out may be settled.
    pub fn play(&mut self, replay: Option<i32>) {
        self.extras.play(replay);
    }

    /// Number of extras that the replay that goes on may offer.
    pub fn replay_room(&self) -> usize {
        let extras = self.extras.present();
        let replayed = extras.filter(|extra| extra.origin != Origin::Retry);
        let (mut lanes, mut taken) = (HashSet::new(), 0);
        for extra in replayed {
            lanes.insert(extra.lane.head.lane);
            taken += 1;
        }
        let room = MOST_LANES.saturating_sub(lanes.len());
        room.min(MOST_REPLAYED.saturating_sub(taken))
    }

    /// Drops the extras of a cancelled replay that are not out. Those of another replay as well stay
    /// for that one.
    pub fn drop_replay(&mut self, replay: i32) {
        self.extras.drop_replay(replay);
    }

    /// True if the replay has an unsettled extra.
    pub fn has_replayed(&self, replay: i32) -> bool {
        let mut extras = self.extras.of_replay(replay);
        extras.any(|extra| extra.lane.unsaved.is_none())
    }

    /// True if the replay has an extra that is unsettled, or whose settlement is not saved.
    pub fn has_extras(&self, replay: i32) -> bool {
        self.extras.of_replay(replay).next().is_some()
    }

    /// True if the live side has the event of `item` and has not settled it.
    pub fn is_live(&self, item: &Item) -> bool {
        item.position > self.read_of(item.account)
            || self.by_key.get(&item.lane).is_some_and(|it| it.has(item))
    }

    /// Notes that an earlier process may have handed the extra at `position` out.
    pub fn remember_extra(&mut self, position: i64) {
        self.change_extra(position, Lane::remember);
    }

    /// Counts an event that a replay leaves out.
    pub fn count_skipped(&mut self, reason: SkipReason) {
        self.unsaved.counts.skip(reason);
    }

    /// Gives the extra at `position` to another origin as well, unless it is settled. It goes out for
    /// this one, unless it goes out for its own. A replay that had it keeps it until it is settled.
    pub(super) fn share_extra(&mut self, position: i64, origin: Origin) -> bool {
        let active = self.extras.active;
        let Some(extra) = self.extras.get_mut(position) else {
            return false;
        };
        if extra.is_of(origin) || extra.lane.unsaved.is_some() {
            return false;
        }
        let is_first = extra.origin == Origin::Retry;
        if is_first || !extra.origin.goes_on(active) {
            extra.go_out_for(origin);
            return true;
        }
        extra.others.extend(origin.replay());
        origin != Origin::Retry
    }

    /// Other replays that have the extra of this lease.
    pub fn others_of(&self, lease: &Lease) -> impl Iterator<Item = Origin> {
        let extra = lease
            .origin
            .and_then(|_| self.extras.get(lease.token.position));
        let others = extra.into_iter().flat_map(|extra| &extra.others);
        others.copied().map(Origin::Replay)
    }

    /// Ends an extra for its origin, and for the replays that have it as well.
    pub(super) fn end_extra(&mut self, position: i64, outcome: Ended) {
        let Some(extra) = self.extras.get_mut(position) else {
            return;
        };
        let others = std::mem::take(&mut extra.others);
        let others = others.into_iter().map(Origin::Replay);
        let others = others.map(|origin| (origin, Ended::TakenOver));
        let ends = std::iter::once((extra.origin, outcome)).chain(others);
        self.unsaved
            .ended
            .extend(ends.map(|(origin, outcome)| EndedExtra {
                origin,
                position,
                outcome,
            }));
    }
}

impl Origin {
    /// Number of the replay.
    pub fn replay(self) -> Option<i32> {
        match self {
            Self::Retry => None,
            Self::Replay(replay) => Some(replay),
        }
    }

    /// True if extras of this origin go out while the replay `active` goes on.
    pub(super) fn goes_on(self, active: Option<i32>) -> bool {
        match self {
            Self::Retry => true,
            Self::Replay(replay) => active == Some(replay),
        }
    }
}
