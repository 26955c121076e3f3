//! Items that come in: read from the log in order, or looked up for one lane.

use super::{Item, Lane, LaneIds, Lanes, State, Token, Wish};

/// Windows of parked heads at which reading stops. Only events without an account come so far, or
/// many accounts that lose their places one after the other.
const MOST_PARKED: usize = 4;

impl Lanes {
    /// Position up to which the log was read. Reading goes on after it.
    pub fn read(&self) -> i64 {
        self.read
    }

    /// True if an earlier process may have handed the item out, and it is not read again yet: nobody
    /// knows if it is settled.
    pub fn is_unread(&self, token: &Token) -> bool {
        !token.is_extra() && (self.read + 1..=self.drawn).contains(&token.position)
    }

    /// True if more of the log may be read: there is room, and few heads are ready. Reading further
    /// ahead would only take memory, and the lanes would lose the items that they have no room for.
    pub fn has_room(&self) -> bool {
        let is_full = self.index.items >= self.limits.window
            || self.index.parked.len() >= MOST_PARKED * self.limits.window;
        // Settlements of events up to `drawn` are refused until these are read.
        !is_full && (self.read < self.drawn || self.index.ready.len() < self.limits.ahead)
    }

    /// Takes the next item of the log. Items come in ascending order, each once; others are
    /// ignored. `ids` makes the ids of its lane, if the lane needs them for lookups.
    pub fn offer(&mut self, item: Item, ids: impl Fn() -> LaneIds) {
        if item.position <= self.read {
            return;
        }
        self.read = item.position;
        if !self.pass_over(&item, &ids) {
            self.add(item, ids, false);
        }
    }

    /// Adds an item to its lane. `is_late` for an item of a backlog.
    pub(super) fn add(&mut self, item: Item, ids: impl FnOnce() -> LaneIds, is_late: bool) {
        let known = self.change(item.lane, |lane| lane.offer(item, ids));
        if known.is_none() {
            let mut lane = Lane::new(item);
            lane.is_late = is_late;
            if self.extras.hold(item.lane) {
                lane.state = State::Held;
            }
            self.insert(lane);
        }
    }

    /// Records that the log was read up to this position, with events that the filters skip.
    pub fn pass(&mut self, through: i64) {
        self.read = self.read.max(through);
    }

    /// Lanes whose next items have to be looked up. The answer to each goes to [`found`](Self::found).
    pub fn wanted(&self) -> Vec<Wish> {
        let keys = self.index.wishes.iter();
        let wish = |key: &_| self.by_key.get(key)?.wish(*key);
        keys.filter_map(wish).collect()
    }

    /// True if a settlement waits for a lookup: a [wish](Self::wanted) has `settled`.
    pub fn is_settling(&self) -> bool {
        !self.unsaved.settlements.is_empty()
    }

    /// Takes the first items of the lane within the limits of `wish`, in ascending order. Fewer than
    /// [`MOST_LATER`](super::MOST_LATER) are all there are. A caller that looked at a part only lowers
    /// `through` in the wish to its end; the rest is wanted again.
    pub fn found(&mut self, wish: &Wish, items: &[Item]) {
        let save = self.next_save();
        self.change(wish.lane, |lane| lane.learn(wish, items, save));
        self.conclude(wish.lane);
    }
}
