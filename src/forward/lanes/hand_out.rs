//! Hand-out: which item goes to a worker next, and what becomes of leases that end.

use std::{
    ops::Bound,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Code, LaneKey, Lanes, Lease, claim::Slot, lane::Lane, token::EXTRA};

impl Lanes {
    /// Hands out up to `max` items to `worker`, each for `time`.
    pub fn lease(
        &mut self,
        max: usize,
        time: Duration,
        worker: &Arc<str>,
        now: Instant,
    ) -> Vec<Lease> {
        self.expire(now);
        let max = max.min(self.free());
        let mut leases = Vec::new();
        while leases.len() < max
            && let Some(slot) = self.next(now)
        {
            leases.extend(self.hand_out(slot, worker, now, now + time));
        }
        leases
    }

    /// Number of items that may go out. A lane between two heads keeps its place, so that the heads
    /// to save stay few. A head that is held back does not count: most of these are rows that became
    /// due during the restart, and there may be more of them than places.
    fn free(&self) -> usize {
        let taken = self.in_flight() + self.index.between.len();
        self.limits.max_in_flight.saturating_sub(taken)
    }

    fn hand_out(
        &mut self,
        slot: Slot,
        worker: &Arc<str>,
        now: Instant,
        until: Instant,
    ) -> Option<Lease> {
        let (number, worker) = (self.number, Arc::clone(worker));
        self.number = number.wrapping_add(1);
        match slot {
            Slot::Head(key) => {
                self.hand_out_head(key, |lane| lane.hand_out(number, worker, now, until))
            }
            Slot::Extra(position) => self.hand_out_extra(position, |lane| {
                lane.hand_out(number | EXTRA, worker, now, until)
            }),
        }
    }

    fn hand_out_head(
        &mut self,
        key: LaneKey,
        hand_out: impl FnOnce(&mut Lane) -> Lease,
    ) -> Option<Lease> {
        let drawn = self.drawn;
        let (lease, is_late) = self.change(key, |lane| {
            if lane.head.position <= drawn {
                lane.remember();
            }
            (hand_out(lane), lane.is_late)
        })?;
        self.was_late = is_late;
        self.extras.count(None);
        self.cursor = self.cursor.max(lease.token.position);
        Some(lease)
    }

    fn hand_out_extra(
        &mut self,
        position: i64,
        hand_out: impl FnOnce(&mut Lane) -> Lease,
    ) -> Option<Lease> {
        let origin = self.extras.get(position)?.origin;
        let lease = self.change_extra(position, hand_out)?;
        self.extras.count(Some(position));
        let origin = Some(origin);
        Some(Lease { origin, ..lease })
    }

    /// Next item to hand out: a head, unless there is none or it is the turn of the extras.
    fn next(&mut self, now: Instant) -> Option<Slot> {
        let turn = self.extras.have_turn().then(|| self.next_extra(now));
        let extra = |lanes: &Self| lanes.next_extra(now).map(Slot::Extra);
        let head = |lanes: &mut Self| lanes.next_head(now).map(Slot::Head);
        let first = turn.flatten().map(Slot::Extra);
        first.or_else(|| head(self)).or_else(|| extra(self))
    }

    /// Next lane to hand out. Ready heads, the earliest first, and retries take turns, so that
    /// neither starves the other.
    fn next_head(&mut self, now: Instant) -> Option<LaneKey> {
        let ready = self.first_ready();
        let retry = self.index.retries.first().filter(|(due, _)| *due <= now);
        let retry = retry.map(|(_, key)| *key);
        let is_turn = || !self.retried && !self.is_crowded();
        self.retried = retry.is_some() && (ready.is_none() || is_turn());
        if self.retried { retry } else { ready }
    }

    /// True if many heads up to the cursor are ready. Each of them is a head to save, and a retry
    /// that succeeds may leave one more: these heads go first then.
    fn is_crowded(&self) -> bool {
        let mut heads = self.index.ready.range(..=self.cursor);
        heads.nth(self.limits.max_in_flight).is_some()
    }

    /// First head that is ready and has a place. Those of backlogs and the others take turns: an
    /// account that recovers does not stop the others.
    fn first_ready(&mut self) -> Option<LaneKey> {
        let is_late = !self.was_late;
        let first = self.first_of(is_late);
        first.or_else(|| self.first_of(!is_late))
    }

    /// First head of a backlog, or of the log, that is ready and has a place. Heads before it without
    /// a place are parked.
    fn first_of(&mut self, is_late: bool) -> Option<LaneKey> {
        loop {
            let index = &self.index;
            let ready = if is_late { &index.late } else { &index.ready };
            let position = ready.first().copied()?;
            let key = *self.index.open.get(&position)?;
            let account = self.by_key.get(&key)?.head.account;
            if self.index.places.has_room(account) {
                return Some(key);
            }
            self.change(key, Lane::park);
        }
    }

    /// Ends the leases that are over: their lanes wait. Heads held back after a restart are ready.
    pub fn expire(&mut self, now: Instant) {
        while let Some(slot) = self.first_over(now) {
            if self.at(slot).is_some_and(Lane::is_held_back) {
                self.change_at(slot, |lane| lane.give_back(None, now));
                self.hold_behind_extra(slot);
            } else {
                self.fail(slot, None, Code::EXPIRED, now);
            }
        }
    }

    /// Holds a head whose lane has an extra that is out.
    fn hold_behind_extra(&mut self, slot: Slot) {
        if let Slot::Head(key) = slot
            && self.extras.hold(key)
        {
            self.change(key, Lane::hold);
        }
    }

    /// An item whose lease is over.
    fn first_over(&self, now: Instant) -> Option<Slot> {
        let head = self.index.leases.first().filter(|(until, _)| *until <= now);
        let extra = || self.extras.out().find(|lane| lane.is_over(now));
        let extra = || extra().map(|lane| Slot::Extra(lane.head.position));
        head.map(|(_, key)| Slot::Head(*key)).or_else(extra)
    }

    /// Takes back all items of a worker, such as one that restarted; returns their number.
    ///
    /// They are ready at once and no attempt is counted, unless an item was handed out before: it
    /// may be the one that ends the worker each time.
    pub fn release(&mut self, worker: &str, now: Instant) -> usize {
        let is_with = |slot: &Slot| self.at(*slot).is_some_and(|lane| lane.is_with(worker));
        let slots: Vec<_> = self.out().filter(is_with).collect();
        for slot in &slots {
            if self.at(*slot).is_some_and(Lane::is_redelivered) {
                self.fail(*slot, None, Code::RELEASED, now);
            } else {
                self.change_at(*slot, |lane| lane.give_back(None, now));
            }
        }
        slots.len()
    }

    /// Next time at which a lease ends or a lane that waits is due. Lanes that are due at `now` do
    /// not count: [`lease`](Self::lease) hands them out.
    pub fn next_due(&self, now: Instant) -> Option<Instant> {
        let later = (Bound::Excluded((now, LaneKey::LAST)), Bound::Unbounded);
        let retry = self.index.retries.range(later).next();
        let times = self.index.leases.first().into_iter().chain(retry);
        let times = times.map(|(time, _)| *time);
        times.chain(self.extras.times(now)).min()
    }
}
