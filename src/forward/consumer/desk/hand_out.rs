//! Hand-out: events for the callers that wait, with a last check of each event.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
    time::Instant,
};

use bytes::Bytes;
use jiff::Timestamp;

use super::Desk;
use crate::{
    forward::{
        consumer::{HandedOut, Refusal, Want, handle::Reply},
        lanes::{BacklogWish, Item, Lease, Origin, SkipReason, Wish},
    },
    store::{consumers::EventRow, follow::Gap},
    telemetry::{
        LogEvent,
        consumers::{ConsumerMissed, EventsHandedOut, EventsSkipped},
    },
};

/// Callers that wait at the same time.
const MOST_WAITERS: usize = 1_024;

/// Lanes and accounts in one question.
const MOST_WISHES: usize = 64;
const MOST_BACKLOGS: usize = 8;

/// Caller that waits for events.
#[derive(Debug)]
pub(super) struct Waiter {
    want: Want,
    reply: Reply<Vec<HandedOut>>,
    pub(super) deadline: Instant,
}

/// Events on their way to a caller.
#[derive(Debug)]
pub(super) struct Staged {
    waiter: Waiter,
    leases: Vec<Lease>,
    /// Events found in memory.
    shown: HashMap<i64, Shown>,
}

/// An event as a caller sees it.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Columns of the event, without text, `data` and payload.
    pub event: Arc<EventRow>,
    /// The event as JSON, in the form for the caller.
    pub json: Bytes,
    /// Client of its account.
    pub client: Option<String>,
}

/// Question to the database.
#[derive(Debug, Default)]
pub struct Lookup {
    /// Number of hand-outs that wait for the answer: the first ones.
    staged: usize,
    /// Lanes whose next items are wanted.
    pub wishes: Vec<Wish>,
    /// Accounts whose next events are wanted.
    pub backlogs: Vec<BacklogWish>,
    /// Events that are to be handed out.
    pub events: Vec<Sought>,
    /// Columns of those that were found in memory, if an earlier event may have the same message.
    pub messages: Vec<Arc<EventRow>>,
}

/// An event that is to be handed out and is not in memory.
#[derive(Clone, Copy, Debug)]
pub struct Sought {
    /// Position of the event.
    pub position: i64,
    /// Time of its receipt.
    pub received_at: Timestamp,
    /// True if its JSON is to have the content.
    pub content: bool,
}

/// Answer of the database.
#[derive(Debug, Default)]
pub struct Found {
    /// Items of the lanes: the next ones, complete up to the last of each.
    pub items: Vec<(Wish, Vec<Item>)>,
    /// Events of backlogs.
    pub backlogs: Vec<Passed>,
    /// The events by position. One that is missing is no longer stored.
    pub events: HashMap<i64, Shown>,
    /// Positions of messages that another app brought before.
    pub repeated: HashSet<i64>,
}

/// Events of the backlog of an account.
#[derive(Debug)]
pub struct Passed {
    /// The backlog, up to the position where the lookup ended.
    pub wish: BacklogWish,
    /// The chosen events up to there, in ascending order.
    pub events: Vec<EventRow>,
    /// Positions before them whose days were dropped.
    pub gap: Option<Gap>,
}

impl Waiter {
    pub(super) fn refuse(self, refusal: Refusal) {
        let _ = self.reply.send(Err(refusal));
    }

    /// True if the caller went away.
    fn is_gone(&self) -> bool {
        self.reply.is_closed()
    }
}

impl Desk {
    /// Lets a caller wait.
    pub(super) fn wait(&mut self, want: Want, reply: Reply<Vec<HandedOut>>, now: Instant) {
        let deadline = now + want.wait;
        let waiter = Waiter {
            want,
            reply,
            deadline,
        };
        match &self.paused {
            Some(reason) => waiter.refuse(Refusal::Paused(reason.clone())),
            None if self.waiters.len() >= MOST_WAITERS => waiter.refuse(Refusal::Unavailable),
            None => self.waiters.push_back(waiter),
        }
    }

    /// Hands out what is ready. `shown` finds an event in memory, with its content or without, unless
    /// it must be looked up.
    pub fn serve(&mut self, now: Instant, shown: impl Fn(i64, bool) -> Option<Shown>) {
        while self.paused.is_none()
            && let Some(waiter) = self.next_waiter()
        {
            let want = &waiter.want;
            let time = want.lease.unwrap_or(self.settings.lease);
            let leases = self.lanes.lease(want.max, time, &want.worker, now);
            if leases.is_empty() {
                self.waiters.push_front(waiter);
                break;
            }
            let positions = leases.iter().map(|it| it.token.position);
            let known = |at| Some((at, shown(at, want.content)?));
            let staged = Staged {
                shown: positions.filter_map(known).collect(),
                waiter,
                leases,
            };
            if staged.shown.len() == staged.leases.len() && !self.settings.once_per_account {
                self.finish(staged, &HashSet::new(), now);
            } else {
                self.staged.push(staged);
            }
        }
        self.end_waits(now);
    }

    /// First caller that is still there.
    fn next_waiter(&mut self) -> Option<Waiter> {
        while let Some(waiter) = self.waiters.pop_front() {
            if !waiter.is_gone() {
                return Some(waiter);
            }
        }
        None
    }

    /// Ends the leases that are over.
    pub fn expire(&mut self, now: Instant) {
        self.lanes.expire(now);
    }

    /// Answers the callers whose wait is over.
    pub fn end_waits(&mut self, now: Instant) {
        let is_over = |waiter: &Waiter| waiter.deadline <= now || waiter.is_gone();
        if !self.waiters.iter().any(is_over) {
            return;
        }
        let over: VecDeque<_>;
        (over, self.waiters) = self.waiters.drain(..).partition(is_over);
        for waiter in over {
            let _ = waiter.reply.send(Ok(Vec::new()));
        }
    }

    /// Question to the database, if there is one.
    pub fn lookup(&self) -> Option<Lookup> {
        let mut wishes = self.lanes.wanted();
        // A flush waits for these.
        wishes.sort_by_key(|wish| !wish.settled);
        wishes.truncate(MOST_WISHES);
        let mut backlogs = self.lanes.wanted_backlogs();
        backlogs.sort_by_key(|wish| wish.after);
        backlogs.truncate(MOST_BACKLOGS);
        let mut lookup = Lookup {
            staged: self.staged.len(),
            wishes,
            backlogs,
            ..Lookup::default()
        };
        for staged in &self.staged {
            for lease in &staged.leases {
                match staged.shown.get(&lease.token.position) {
                    Some(shown) => lookup.messages.push(Arc::clone(&shown.event)),
                    None => lookup.events.push(Sought {
                        position: lease.token.position,
                        received_at: lease.received_at,
                        content: staged.waiter.want.content,
                    }),
                }
            }
        }
        let has_wishes = !lookup.wishes.is_empty() || !lookup.backlogs.is_empty();
        (has_wishes || !self.staged.is_empty()).then_some(lookup)
    }

    /// Takes the answer to a question.
    pub fn found(&mut self, asked: &Lookup, found: Found, now: Instant) {
        for (wish, items) in found.items {
            self.lanes.found(&wish, &items);
        }
        for passed in found.backlogs {
            self.read_passed(&passed);
        }
        let events = found.events;
        // A hand-out since then may want the same events in another form.
        let count = asked.staged.min(self.staged.len());
        let answered: Vec<_> = self.staged.drain(..count).collect();
        for mut staged in answered {
            for lease in &staged.leases {
                let event = events.get(&lease.token.position).cloned();
                staged
                    .shown
                    .extend(event.map(|event| (lease.token.position, event)));
            }
            self.finish(staged, &found.repeated, now);
        }
    }

    /// Takes events of a backlog.
    fn read_passed(&mut self, Passed { wish, events, gap }: &Passed) {
        if let Some(Gap { from, to }) = *gap {
            let consumer = Arc::clone(&self.name);
            ConsumerMissed { consumer, from, to }.emit();
        }
        for event in events {
            let item = self.settings.item(event);
            let ids = || self.settings.ids(event);
            self.lanes.offer_passed(item, ids);
            self.skip_old(event);
        }
        self.lanes.passed(wish);
    }

    /// Gives back what a failed question was about. The callers wait on.
    pub fn not_found(&mut self, now: Instant) {
        for staged in std::mem::take(&mut self.staged).into_iter().rev() {
            for lease in &staged.leases {
                self.lanes.undo(&lease.token, now);
            }
            self.waiters.push_front(staged.waiter);
        }
    }

    /// Sends events to their caller. Without an event the caller waits on.
    fn finish(&mut self, staged: Staged, repeated: &HashSet<i64>, now: Instant) {
        if let Some(reason) = self.paused.clone() {
            for lease in &staged.leases {
                self.lanes.undo(&lease.token, now);
            }
            return staged.waiter.refuse(Refusal::Paused(reason));
        }
        let Staged {
            waiter,
            leases,
            mut shown,
        } = staged;
        let (mut out, mut tokens) = (Vec::new(), Vec::new());
        for lease in leases {
            // The lease may have ended during the lookup.
            if !self.lanes.is_out(&lease.token) {
                continue;
            }
            let position = lease.token.position;
            let is_repeated = repeated.contains(&position);
            match self.check(&lease, shown.remove(&position), is_repeated) {
                Ok(shown) => {
                    tokens.push(lease.token);
                    out.push(self.handed_out(&lease, shown));
                }
                Err(reason) => {
                    self.lanes.skip_out(&lease.token, reason);
                    self.note_skip(reason);
                }
            }
        }
        let again = out.iter().filter(|it| it.redelivered).count();
        EventsHandedOut {
            consumer: &self.name,
            first: out.len() - again,
            again,
        }
        .emit();
        if out.is_empty() {
            self.waiters.push_front(waiter);
        } else if waiter.reply.send(Ok(out)).is_err() {
            for token in tokens {
                self.lanes.undo(&token, now);
            }
        }
    }

    pub(super) fn note_skip(&self, reason: SkipReason) {
        EventsSkipped {
            consumer: &self.name,
            reason: reason.as_str(),
            count: 1,
        }
        .emit();
    }

    /// The event, if it is still to be handed out. A retry goes out whatever its age, and so does a
    /// replay if its operator wants that.
    fn check(
        &mut self,
        lease: &Lease,
        shown: Option<Shown>,
        is_repeated: bool,
    ) -> Result<Shown, SkipReason> {
        let shown = shown.ok_or(SkipReason::Gone)?;
        if !self.settings.chooses(&shown.event, shown.client.as_deref()) {
            return Err(SkipReason::Filtered);
        }
        let origins = lease.origin.into_iter();
        let ignores_age = origins
            .chain(self.lanes.others_of(lease))
            .any(|it| self.ignores_age(it));
        if !ignores_age && self.is_too_old(&shown.event) {
            return Err(SkipReason::TooOld);
        }
        if is_repeated && lease.origin.is_none() {
            return Err(SkipReason::Repeated);
        }
        Ok(shown)
    }

    fn handed_out(&self, lease: &Lease, shown: Shown) -> HandedOut {
        HandedOut {
            lease: self.key.encode(&lease.token),
            attempt: lease.token.attempt,
            redelivered: lease.redelivered,
            replay: lease.origin.and_then(Origin::replay),
            failed_for: lease.failed_for,
            code: lease.code.clone(),
            through: lease.through,
            json: shown.json,
            event: shown.event,
        }
    }
}

#[cfg(test)]
mod tests;
