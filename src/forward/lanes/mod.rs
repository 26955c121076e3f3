//! Lanes of one consumer in memory: order, leases and retries, without I/O and without a clock.
//!
//! A lane is the unit of ordering, in most cases one person. At most one item of a lane is out at
//! a time, and a failed head makes only its own lane wait. The state to save is small: a position,
//! the heads of the lanes with unsettled items up to this position, and a row for each lane whose
//! head has failed. An account with too many waiting lanes has a position of its own: its backlog
//! is read later. Everything else is read again after a restart.
//!
//! Memory is bounded. A lane keeps a few items; a lane with failures keeps its head only. The
//! items behind them are looked up in the database when their turn comes: see [`Lanes::wanted`].
//!
//! The caller reads the log and offers its items, answers lookups, hands out and settles, and
//! writes what [`Lanes::save`] returns before it answers a settlement. It confirms this with
//! [`Lanes::saved`]: only then does the next item of a settled lane go out. A hand-out is saved too,
//! though nobody waits for it: see [`Lanes::is_unsaved`].

mod backlogs;
mod behind;
mod claim;
mod code;
mod extras;
mod hand_out;
mod ids;
mod index;
mod item;
mod lane;
mod limits;
mod places;
mod reading;
mod replays;
mod saved;
mod settle;
mod settlement;
mod status;
mod takeover;
#[cfg(test)]
mod tests;
mod token;

use std::collections::HashMap;

pub use backlogs::{BacklogWish, MOST_PASSED};
pub use behind::{MOST_LATER, Wish};
pub use code::Code;
pub use extras::{Ended, EndedExtra, MOST_RETRIES};
pub use ids::LaneIds;
pub use item::{AccountKey, Item, LaneKey, Origin};
pub use limits::Limits;
pub use replays::{MOST_LANES, MOST_REPLAYED};
pub use saved::{Saved, Waiting};
pub use settlement::{Counts, DeadLetter, Reason, SkipReason};
pub use status::WaitingLane;
pub use takeover::Stored;
pub use token::{Answer, Lease, Token};

use backlogs::Backlogs;
use extras::Extras;
use index::Index;
use lane::{Lane, State};
use saved::Unsaved;

/// Lanes of one consumer.
#[derive(Debug)]
pub struct Lanes {
    limits: Limits,
    /// Boxed, because a table has up to three times as many slots as entries.
    by_key: HashMap<LaneKey, Box<Lane>>,
    index: Index,
    extras: Extras,
    backlogs: Backlogs,
    /// Position up to which the log was read.
    read: i64,
    /// Position to save. No item after it was handed out or settled.
    cursor: i64,
    /// Cursor at the last save.
    at_save: i64,
    /// Position up to which an earlier process may have handed out items.
    drawn: i64,
    /// Number of the next hand-out.
    number: u64,
    /// True if the last hand-out between a ready head and a retry was the retry.
    retried: bool,
    /// True if the last head that was handed out came from a backlog.
    was_late: bool,
    unsaved: Unsaved,
    /// Number of saves.
    saves: u64,
}

impl Lanes {
    /// Lanes of a consumer that starts after `position`. Its generation tells the leases of this
    /// owner from those of an earlier one, which may be the same process.
    pub fn new(position: i64, generation: u64, limits: Limits) -> Self {
        Self {
            index: Index::new(limits.max_blocked),
            extras: Extras::default(),
            backlogs: Backlogs::default(),
            limits,
            by_key: HashMap::new(),
            read: position,
            cursor: position,
            at_save: position,
            drawn: position,
            number: (generation << 32) + 1,
            retried: false,
            was_late: false,
            unsaved: Unsaved::default(),
            saves: 0,
        }
    }

    /// Number of items that are out. Those that are held back after a restart do not count.
    pub fn in_flight(&self) -> usize {
        let extras = self.extras.out().filter(|lane| !lane.is_held_back());
        self.index.leases.len().saturating_sub(self.index.held_back) + extras.count()
    }

    /// Number of lanes whose head has failed.
    pub fn waiting(&self) -> usize {
        self.index.rows.len()
    }

    /// True if an item is ready or was passed over, but no new lane of its account starts: too many
    /// wait.
    pub fn is_blocked(&self) -> bool {
        !self.index.parked.is_empty() || self.backlogs() > 0
    }

    fn insert(&mut self, lane: Lane) {
        let key = lane.head.lane;
        self.index.add(key, &lane);
        self.by_key.insert(key, Box::new(lane));
    }

    /// Changes a lane together with the index. A lane whose items are all settled goes away once
    /// this is saved.
    fn change<T>(&mut self, key: LaneKey, change: impl FnOnce(&mut Lane) -> T) -> Option<T> {
        let taken = self.index.places.taken();
        let lane = self.by_key.get_mut(&key)?;
        self.index.remove(key, lane);
        let was_ready = lane.state == State::Ready;
        let result = change(lane);
        let has_left = was_ready && matches!(lane.state, State::Held | State::Settled);
        if lane.is_done() && lane.unsaved.is_none() {
            self.by_key.remove(&key);
        } else {
            self.index.add(key, lane);
        }
        if has_left || self.index.places.taken() < taken {
            self.unpark();
        }
        Some(result)
    }

    /// Makes the first parked head of each account that has a place again ready: after a place was
    /// given back, or a ready head left without taking the place that it was made ready for.
    fn unpark(&mut self) {
        let mut next = self.index.parked.first().copied();
        while let Some((account, position)) = next {
            let mut others = self.index.parked.range((account, i64::MAX)..);
            next = others.next().copied();
            if self.index.places.has_room(account)
                && let Some(key) = self.index.open.get(&position).copied()
            {
                self.change(key, |lane| lane.state = State::Ready);
            }
        }
    }
}
