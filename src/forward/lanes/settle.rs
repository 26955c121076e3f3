//! Settlement of leases: ack, nack, extension, dead letter.

use std::time::{Duration, Instant};

use super::{
    Answer, Code, DeadLetter, LaneKey, Lanes, Reason, SkipReason, State, Token, claim::Slot,
    lane::Lane, settlement::Outcome,
};

impl Lanes {
    /// Settles an item. An expired lease is enough, unless the item was handed out again.
    pub fn ack(&mut self, token: &Token) -> Answer {
        self.ack_through(token, token.position)
    }

    /// Settles an item, and the items behind it in its lane up to position `last`: they were sent
    /// together. Only items in memory are settled; [`Lease::through`](super::Lease::through) names
    /// the last one at the hand-out.
    pub fn ack_through(&mut self, token: &Token, last: i64) -> Answer {
        match self.claim(token) {
            Ok(slot) => {
                let behind = self.change_at(slot, |lane| lane.take_behind(last));
                let behind = behind.unwrap_or_default();
                let through = behind.last().map_or(self.cursor, |item| item.position);
                self.cursor = self.cursor.max(through);
                self.finish(slot, Outcome::Acked(1 + behind.len()));
                Answer::Acked
            }
            Err(answer) => answer,
        }
    }

    /// Counts a failed attempt and makes the lane wait: for `delay`, or for the time of its
    /// backoff. After the last attempt the item becomes a dead letter.
    pub fn nack(
        &mut self,
        token: &Token,
        delay: Option<Duration>,
        code: Code,
        now: Instant,
    ) -> Answer {
        match self.claim(token) {
            Ok(slot) if self.is_tried(slot, token.attempt) => self.fail(slot, delay, code, now),
            Ok(_) => Answer::Waiting,
            Err(answer) => answer,
        }
    }

    fn is_tried(&self, slot: Slot, attempt: u32) -> bool {
        let lane = self.at(slot);
        lane.is_some_and(|lane| lane.is_tried(attempt))
    }

    /// Lets a lease end `time` from now. It never becomes shorter.
    pub fn extend(&mut self, token: &Token, time: Duration, now: Instant) -> Answer {
        match self.claim(token) {
            Ok(slot) => self
                .change_at(slot, |lane| lane.extend(now + time))
                .unwrap_or(Answer::Unknown),
            Err(answer) => answer,
        }
    }

    /// Ends a lease without counting an attempt: a breaker opened, or the process stops. The item may
    /// have been sent. It is ready at once or after `delay`, which a restart forgets.
    pub fn give_back(&mut self, token: &Token, delay: Option<Duration>, now: Instant) -> Answer {
        let until = delay.map(|delay| now + delay);
        self.end(token, |lane| lane.give_back(until, now))
    }

    /// Undoes a hand-out of which no byte was sent: the caller went away before.
    pub fn undo(&mut self, token: &Token, now: Instant) -> Answer {
        self.end(token, |lane| lane.undo(now))
    }

    /// Ends a lease without counting an attempt. A lease that is over changes nothing.
    fn end(&mut self, token: &Token, end: impl FnOnce(&mut Lane)) -> Answer {
        match self.claim(token) {
            Ok(slot) => {
                self.change_at(slot, |lane| lane.is_out().then(|| end(lane)));
                Answer::Waiting
            }
            Err(answer) => answer,
        }
    }

    /// Makes an item a dead letter, whatever attempts are left.
    pub fn dead(&mut self, token: &Token, code: Code, now: Instant) -> Answer {
        match self.claim(token) {
            Ok(slot) => self.bury(slot, Reason::Worker, code, now),
            Err(answer) => answer,
        }
    }

    /// Settles the head at `position` without a worker; false if there is no unsettled head.
    /// It need not be out: an item that is too old can be skipped as soon as it is offered or found,
    /// without waiting for a save.
    pub fn skip(&mut self, position: i64, reason: SkipReason) -> bool {
        let key = self.index.lane_at(position);
        let Some(key) = key.filter(|key| !self.is_settled(*key)) else {
            return false;
        };
        self.cursor = self.cursor.max(position);
        self.finish(Slot::Head(key), Outcome::Skipped(reason));
        true
    }

    /// Settles an item that is out, without its worker; false if the lease is over.
    pub fn skip_out(&mut self, token: &Token, reason: SkipReason) -> bool {
        let claim = self.claim(token);
        claim
            .map(|slot| self.finish(slot, Outcome::Skipped(reason)))
            .is_ok()
    }

    fn is_settled(&self, key: LaneKey) -> bool {
        let lane = self.by_key.get(&key);
        lane.is_none_or(|lane| lane.state == State::Settled)
    }

    /// Counts a failed attempt.
    pub(super) fn fail(
        &mut self,
        slot: Slot,
        delay: Option<Duration>,
        code: Code,
        now: Instant,
    ) -> Answer {
        let Some(lane) = self.at(slot) else {
            return Answer::Unknown;
        };
        let (attempts, position) = (lane.attempts() + 1, lane.head.position);
        if attempts >= self.limits.max_attempts {
            return self.bury(slot, Reason::Attempts, code, now);
        }
        let due_at = now + delay.unwrap_or_else(|| self.limits.delay(attempts, position));
        if let Slot::Head(_) = slot {
            self.unsaved.rows.insert(position);
        }
        self.change_at(slot, |lane| lane.fail(code, due_at, now));
        Answer::Waiting
    }

    /// Makes an item a dead letter.
    fn bury(&mut self, slot: Slot, reason: Reason, code: Code, now: Instant) -> Answer {
        let Some(lane) = self.at(slot) else {
            return Answer::Unknown;
        };
        let is_counted = lane.failures.is_some() && lane.is_waiting();
        let is_tried = reason == Reason::Attempts || !is_counted;
        let letter = DeadLetter {
            item: lane.head,
            attempts: lane.attempts() + u32::from(is_tried),
            first_at: lane.failures.as_ref().map_or(now, |it| it.first_at),
            last_at: now,
            reason,
            code,
        };
        self.finish(slot, Outcome::Dead(letter));
        Answer::Dead
    }
}
