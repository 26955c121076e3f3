//! Desk of one consumer: hands out, settles and keeps the state to save, without I/O.
//!
//! The owner of the consumer feeds it with events of the log, calls and results of lookups, and
//! writes its progress. No answer to a settlement leaves before its progress is written.

mod hand_out;
mod progress;
mod replays;
mod settle;
mod status;
#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;

use self::{
    hand_out::{Staged, Waiter},
    progress::Answers,
    replays::Replays,
};
use super::{
    Call, LeaseKey, Refusal, Settings,
    clock_guard::{ClockGuard, uptime},
    rate::Rate,
};
use crate::{
    clock::Clock,
    forward::lanes::{Item, Lanes, Origin, SkipReason},
    store::consumers::EventRow,
    telemetry::{
        LogEvent,
        consumers::{ConsumerPaused, ConsumerResumed},
    },
};

pub use self::{
    hand_out::{Found, Lookup, Passed, Shown, Sought},
    progress::{Ownership, Writing},
    replays::ReplayWish,
};

/// State of one consumer in the memory of its owner.
#[derive(Debug)]
pub struct Desk {
    name: Arc<str>,
    settings: Arc<Settings>,
    key: LeaseKey,
    lanes: Lanes,
    clock: Clock,
    /// Callers that wait for events, the first one first.
    waiters: VecDeque<Waiter>,
    /// Events that are out, whose rows are not in memory.
    staged: Vec<Staged>,
    answers: Answers,
    replays: Replays,
    guard: Option<ClockGuard>,
    /// True if a clock jumped since the last pause.
    has_jumped: bool,
    rate: Rate,
    /// Last request of each worker.
    workers: HashMap<Arc<str>, Instant>,
    /// Time of receipt of the last event that was read.
    last: Option<Timestamp>,
    /// True if the last measure found lanes that were held back.
    was_blocked: bool,
    /// Reason of a pause.
    paused: Option<String>,
    /// Duration of the last flush.
    flush: Option<Duration>,
}

impl Desk {
    /// A desk of the consumer `name` with these lanes. `key` makes its lease tokens.
    pub fn new(
        name: Arc<str>,
        settings: Arc<Settings>,
        key: LeaseKey,
        lanes: Lanes,
        clock: Clock,
    ) -> Self {
        Self {
            name,
            guard: settings.max_age.map(ClockGuard::new),
            has_jumped: false,
            clock,
            settings,
            key,
            lanes,
            waiters: VecDeque::new(),
            staged: Vec::new(),
            answers: Answers::default(),
            replays: Replays::default(),
            rate: Rate::default(),
            workers: HashMap::new(),
            last: None,
            was_blocked: false,
            paused: None,
            flush: None,
        }
    }

    /// Position up to which the log was read.
    pub fn read(&self) -> i64 {
        self.lanes.read()
    }

    /// True if more of the log may be read.
    pub fn has_room(&self) -> bool {
        self.lanes.has_room()
    }

    /// Takes the next event of the log. `client` is the client of its account. Returns true if the
    /// consumer wants the event.
    pub fn offer(&mut self, event: &EventRow, client: Option<&str>) -> bool {
        if event.position <= self.lanes.read() {
            return false;
        }
        self.last = Some(event.received_at);
        if !self.settings.chooses(event, client) {
            return false;
        }
        let guard = self.guard.as_mut().zip(event.occurred_at);
        self.has_jumped |= guard.is_some_and(|(guard, at)| guard.has_jumped(event.received_at, at));
        let item = self.settings.item(event);
        self.lanes.offer(item, || self.settings.ids(event));
        self.skip_old(event);
        true
    }

    /// Skips an event that was offered, if it is too old. A lane with many old events would otherwise
    /// skip one with each flush.
    fn skip_old(&mut self, event: &EventRow) {
        if self.is_too_old(event) && self.lanes.skip(event.position, SkipReason::TooOld) {
            self.note_skip(SkipReason::TooOld);
        }
    }

    /// True if a clock jumped, so that the age of the events says nothing until a pause ends.
    pub fn has_clock_jumped(&mut self) -> bool {
        let guard = self.guard.as_mut();
        self.has_jumped |= guard.is_some_and(|it| it.was_set(self.clock.now(), uptime()));
        self.has_jumped
    }

    fn is_too_old(&mut self, event: &EventRow) -> bool {
        self.settings.is_too_old(event, &self.clock) && !self.has_clock_jumped()
    }

    /// Takes the events of dead letters that an operator retries. Those that have no room, are there
    /// already, or come live first, such as moved ones that are not read yet, are ignored.
    pub fn retry(&mut self, items: &[Item]) {
        for item in items {
            if !self.lanes.is_live(item) {
                self.lanes.offer_extra(*item, Origin::Retry);
            }
        }
    }

    /// Records that the log was read up to this position.
    pub fn pass(&mut self, through: i64) {
        self.lanes.pass(through);
    }

    /// Takes a request.
    pub fn take(&mut self, call: Call, now: Instant) {
        match call {
            Call::Lease(want, reply) => {
                self.see(&want.worker, now);
                self.wait(want, reply, now);
            }
            Call::Settle(batch, reply) => self.settle(batch, reply, now),
            Call::Release(worker, reply) => {
                self.see(&worker, now);
                let released = self.lanes.release(&worker, now);
                let _ = reply.send(Ok(released));
            }
            Call::Status(reply) => {
                let status = self.status(now);
                let _ = reply.send(Ok(status));
            }
        }
    }

    /// True if the hand-out is paused.
    pub fn is_paused(&self) -> bool {
        self.paused.is_some()
    }

    /// Pauses or resumes the hand-out. Settlements go on.
    pub fn set_paused(&mut self, reason: Option<String>) {
        if reason == self.paused {
            return;
        }
        let consumer = Arc::clone(&self.name);
        match reason.clone() {
            Some(reason) => ConsumerPaused { consumer, reason }.emit(),
            None => ConsumerResumed { consumer }.emit(),
        }
        if let Some(reason) = &reason {
            for waiter in self.waiters.drain(..) {
                waiter.refuse(Refusal::Paused(reason.clone()));
            }
        } else {
            // The operator has corrected the clock, or is content with it.
            self.has_jumped = false;
            self.guard.iter_mut().for_each(ClockGuard::forget);
        }
        self.paused = reason;
    }

    /// True if a caller waits for events.
    pub fn is_wanted(&self) -> bool {
        !self.waiters.is_empty()
    }

    /// Time of the next change without a call: the end of a lease or of a wait, or a retry.
    pub fn next_due(&self, now: Instant) -> Option<Instant> {
        let waits = self.waiters.iter().map(|waiter| waiter.deadline);
        let others = self.lanes.next_due(now).into_iter();
        let others = others.chain(self.next_replayed(now));
        waits.chain(others).min()
    }
}
