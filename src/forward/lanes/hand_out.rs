//! Hand-out: which item goes to a worker next, and what becomes of leases that end.

use std::{
    ops::Bound,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Code, LaneKey, Lanes, Lease, State};

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
            && let Some(key) = self.next(now)
        {
            leases.extend(self.hand_out(key, worker, now, now + time));
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
        key: LaneKey,
        worker: &Arc<str>,
        now: Instant,
        until: Instant,
    ) -> Option<Lease> {
        let number = self.number;
        self.number = number.wrapping_add(1);
        let (worker, drawn) = (Arc::clone(worker), self.drawn);
        let lease = self.change(key, |lane| {
            lane.remember(drawn);
            lane.hand_out(number, worker, now, until)
        })?;
        self.cursor = self.cursor.max(lease.token.position);
        Some(lease)
    }

    /// Next lane to hand out. Ready heads, the earliest first, and retries take turns, so that
    /// neither starves the other.
    fn next(&mut self, now: Instant) -> Option<LaneKey> {
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

    /// First head that is ready and has a place. Heads before it without a place are parked.
    fn first_ready(&mut self) -> Option<LaneKey> {
        while let Some(position) = self.index.ready.first().copied() {
            let key = *self.index.open.get(&position)?;
            let account = self.by_key.get(&key)?.head.account;
            if self.index.places.has_room(account) {
                return Some(key);
            }
            self.change(key, |lane| lane.state = State::Parked);
        }
        None
    }

    /// Ends the leases that are over: their lanes wait. Heads held back after a restart are ready.
    pub fn expire(&mut self, now: Instant) {
        while let Some((until, key)) = self.index.leases.first().copied()
            && until <= now
        {
            if self.by_key.get(&key).is_some_and(|it| it.is_held_back()) {
                self.change(key, |lane| lane.give_back(None, now));
            } else {
                self.fail(key, None, Code::EXPIRED, now);
            }
        }
    }

    /// Takes back all items of a worker, such as one that restarted; returns their number.
    ///
    /// They are ready at once and no attempt is counted, unless an item was handed out before: it
    /// may be the one that ends the worker each time.
    pub fn release(&mut self, worker: &str, now: Instant) -> usize {
        let leases = self.index.leases.iter().map(|(_, key)| *key);
        let is_with = |key: &LaneKey| self.by_key.get(key).is_some_and(|it| it.is_with(worker));
        let keys: Vec<_> = leases.filter(is_with).collect();
        for key in &keys {
            if self.by_key.get(key).is_some_and(|it| it.is_redelivered()) {
                self.fail(*key, None, Code::RELEASED, now);
            } else {
                self.change(*key, |lane| lane.give_back(None, now));
            }
        }
        keys.len()
    }

    /// Next time at which a lease ends or a lane that waits is due. Lanes that are due at `now` do
    /// not count: [`lease`](Self::lease) hands them out.
    pub fn next_due(&self, now: Instant) -> Option<Instant> {
        let later = (Bound::Excluded((now, LaneKey::LAST)), Bound::Unbounded);
        let retry = self.index.retries.range(later).next();
        let times = self.index.leases.first().into_iter().chain(retry);
        times.map(|(time, _)| *time).min()
    }
}
