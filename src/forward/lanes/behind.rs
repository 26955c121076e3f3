//! Items behind the head of a lane: the next few in memory, the others looked up a few at a time.

use std::num::NonZeroU64;

use super::{
    ids::LaneIds,
    item::{Item, LaneKey},
    lane::{Lane, State},
};

/// Number of items that a lane keeps behind its head, and that answer a [`Wish`] at most.
pub const MOST_LATER: usize = 3;

/// A lane whose next items have to be looked up in the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The lane.
    pub lane: LaneKey,
    /// Ids of the events of the lane.
    pub ids: LaneIds,
    /// Position after which the items may lie.
    pub after: i64,
    /// Last position at which they may lie.
    pub through: i64,
    /// True if the head is settled. Its settlement is saved only after the lookup.
    pub settled: bool,
}

impl Lane {
    /// Adds an item that was read. Without room the lane remembers only that there is more.
    pub(super) fn offer(&mut self, item: Item, ids: impl FnOnce() -> LaneIds) {
        if !self.is_done() {
            self.ids.get_or_insert_with(ids);
        }
        let is_kept_back = self.failures.is_some() || self.state == State::Parked;
        let has_room = !is_kept_back && self.later.len() < MOST_LATER;
        if has_room && self.known == self.seen && item.position > self.known {
            self.known = item.position;
            self.later.push_back(item);
            self.follow();
        }
        self.seen = self.seen.max(item.position);
    }

    /// Lookup of the next items, if it is needed now or soon. Most retries fail again: a lane with
    /// failures looks up no item before its head is settled.
    pub(super) fn wish(&self, lane: LaneKey) -> Option<Wish> {
        let ids = self.ids.as_ref().filter(|_| self.has_wish())?;
        Some(Wish {
            lane,
            ids: ids.clone(),
            after: self.known,
            through: self.seen,
            settled: self.is_settling(),
        })
    }

    /// True if the next items have to be looked up.
    pub(super) fn has_wish(&self) -> bool {
        let is_with_worker = self.is_out() && !self.is_held_back();
        let soon = is_with_worker && self.failures.is_none() && self.later.is_empty();
        self.is_settling() || (soon && self.known < self.seen)
    }

    /// Takes the answer to a wish; an answer that came too late changes nothing. A settlement is
    /// part of the save of number `save` then.
    pub(super) fn learn(&mut self, wish: &Wish, items: &[Item], save: u64) {
        if self.known != wish.after || !self.has_wish() {
            return;
        }
        let is_within = |item: &&Item| wish.after < item.position && item.position <= wish.through;
        let items = items.iter().filter(is_within).take(MOST_LATER);
        self.later.extend(items);
        let last = self.later.get(MOST_LATER - 1);
        self.known = last.map_or(wish.through, |item| item.position);
        if self.state == State::Settled {
            self.move_on(save);
        }
    }

    /// Removes the items in memory behind the head up to position `last`.
    pub(super) fn take_behind(&mut self, last: i64) -> Vec<Item> {
        let count = self.later.partition_point(|item| item.position <= last);
        self.later.drain(..count).collect()
    }

    /// Makes the next known item the head of a settled lane, if it needs no lookup.
    pub(super) fn move_on(&mut self, save: u64) {
        self.follow();
        if !self.is_settling() {
            self.unsaved = NonZeroU64::new(save);
            self.forget();
        }
    }

    /// Replaces a settled head by the next known item.
    fn follow(&mut self) {
        if self.state == State::Settled
            && let Some(next) = self.later.pop_front()
        {
            self.head = next;
            self.state = State::Held;
        }
    }

    /// Holds a ready head: an extra of its lane is out.
    pub(super) fn hold(&mut self) {
        if self.state == State::Ready {
            self.state = State::Held;
        }
    }

    /// Makes a held head ready, once the settlement of the item before it is saved.
    pub(super) fn go_on(&mut self) {
        if self.state == State::Held && self.unsaved.is_none() {
            self.state = State::Ready;
        }
    }
}
