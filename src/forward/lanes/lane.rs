//! One lane: its head, the next few items, and the state of the head.

use std::{collections::VecDeque, num::NonZeroU64, sync::Arc, time::Instant};

use super::{
    code::Code,
    ids::LaneIds,
    item::{Item, LaneKey},
    token::{Answer, Lease, Token},
};

/// A lane with an unsettled item.
#[derive(Debug)]
pub(super) struct Lane {
    /// The first unsettled item; in state [`State::Settled`] the last settled one.
    pub(super) head: Item,
    /// Ids for lookups, once there is a second item: most lanes have one item, and need no lookup.
    pub(super) ids: Option<LaneIds>,
    /// The items after the head, without gaps. Empty if the lane has failures.
    pub(super) later: VecDeque<Item>,
    /// Position up to which all items of the lane are settled, the head, or in `later`.
    pub(super) known: i64,
    /// Position up to which the lane may have further items.
    pub(super) seen: i64,
    pub(super) state: State,
    /// True if its first item came from a backlog.
    pub(super) is_late: bool,
    /// Number of the save with the last settlement, until it is confirmed: the lane stays, and its
    /// next head is held.
    pub(super) unsaved: Option<NonZeroU64>,
    /// Failed attempts of the head. A lane with failures has a row in the database. They stay until
    /// the next item is known.
    pub(super) failures: Option<Box<Failures>>,
    /// Number of the last hand-out of the head by this process.
    pub(super) number: Option<NonZeroU64>,
    /// Times that the head was handed out, as far as known.
    hand_outs: u32,
}

/// State of a head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Ready for its first attempt.
    Ready,
    /// Ready, but its account has no place left.
    Parked,
    /// Handed out to a worker, or held back for the workers of an earlier process (`None`).
    Out {
        worker: Option<Arc<str>>,
        until: Instant,
    },
    /// Waits until this time, in its place: after a failure, or given back for a while.
    Waiting { until: Instant },
    /// Held until the settlement of the item before it is saved. After a crash that item goes out
    /// again, and must not go out beside this one.
    Held,
    /// Settled; the next item, if there is one, has to be looked up.
    Settled,
}

/// Failed attempts of a head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failures {
    pub(super) attempts: u32,
    pub(super) first_at: Instant,
    pub(super) due_at: Instant,
    pub(super) code: Code,
}

impl Lane {
    pub(super) fn new(head: Item) -> Self {
        Self {
            head,
            ids: None,
            later: VecDeque::new(),
            known: head.position,
            seen: head.position,
            state: State::Ready,
            is_late: false,
            unsaved: None,
            failures: None,
            number: None,
            hand_outs: 0,
        }
    }

    /// A lane after a restart, in a log that was read up to `read`.
    pub(super) fn restored(
        head: Item,
        ids: LaneIds,
        failures: Option<Box<Failures>>,
        read: i64,
        state: State,
    ) -> Self {
        let is_alone = head.lane == LaneKey::alone(head.position);
        let seen = if is_alone { head.position } else { read };
        Self {
            ids: Some(ids),
            seen: seen.max(head.position),
            state,
            failures,
            hand_outs: 1,
            ..Self::new(head)
        }
    }

    /// Counts a hand-out before this process, or before a retry.
    pub(super) fn remember(&mut self) {
        self.hand_outs = self.hand_outs.max(1);
    }

    /// Hands the head out.
    pub(super) fn hand_out(
        &mut self,
        number: u64,
        worker: Arc<str>,
        now: Instant,
        until: Instant,
    ) -> Lease {
        let redelivered = self.hand_outs > 0;
        self.number = NonZeroU64::new(number);
        self.hand_outs += 1;
        let worker = Some(worker);
        self.state = State::Out { worker, until };
        let failures = self.failures.as_deref();
        Lease {
            token: Token {
                lane: self.head.lane,
                position: self.head.position,
                attempt: self.attempts() + 1,
                number,
            },
            received_at: self.head.received_at,
            redelivered,
            through: self.known,
            failed_for: failures.map(|it| now.saturating_duration_since(it.first_at)),
            code: failures.map(|it| it.code.clone()),
            origin: None,
        }
    }

    /// Ends the hand-out of the head without counting an attempt. It is ready at the time `until`,
    /// or at once: a head with failures then is due `now`.
    pub(super) fn give_back(&mut self, until: Option<Instant>, now: Instant) {
        let failed = self.failures.is_some().then_some(now);
        let until = until.or(failed);
        self.state = until.map_or(State::Ready, |until| State::Waiting { until });
    }

    /// Undoes a hand-out.
    pub(super) fn undo(&mut self, now: Instant) {
        self.hand_outs = self.hand_outs.saturating_sub(1);
        self.give_back(None, now);
    }

    /// Makes the lane wait with its head only.
    pub(super) fn fail(&mut self, code: Code, due_at: Instant, now: Instant) {
        let first_at = self.failures.as_ref().map_or(now, |it| it.first_at);
        self.failures = Some(Box::new(Failures {
            attempts: self.attempts() + 1,
            first_at,
            due_at,
            code,
        }));
        self.state = State::Waiting { until: due_at };
        self.keep_head_only();
    }

    /// Settles the head and moves on to the next item. The save of number `save` is the first one
    /// with this settlement, unless a lookup comes before it.
    pub(super) fn settle(&mut self, save: u64) {
        self.state = State::Settled;
        self.unsaved = None;
        self.move_on(save);
    }

    /// Forgets the hand-outs of a settled head.
    pub(super) fn forget(&mut self) {
        self.failures = None;
        self.number = None;
        self.hand_outs = 0;
    }

    /// Moves the end of a lease; never to an earlier time.
    pub(super) fn extend(&mut self, new: Instant) -> Answer {
        match &mut self.state {
            State::Out { until, .. } => {
                *until = new.max(*until);
                Answer::Extended
            }
            State::Waiting { .. } => Answer::Waiting,
            State::Ready | State::Parked | State::Held | State::Settled => Answer::Lost,
        }
    }

    /// True if all items are settled.
    pub(super) fn is_done(&self) -> bool {
        self.state == State::Settled && self.known >= self.seen
    }

    /// True if the head is settled and the next one has to be looked up.
    pub(super) fn is_settling(&self) -> bool {
        self.state == State::Settled && self.known < self.seen
    }

    /// True if the item is one of the unsettled items of the lane.
    pub(super) fn has(&self, item: &Item) -> bool {
        let is_behind = match self.state {
            State::Settled => item.position > self.head.position,
            _ => item.position >= self.head.position,
        };
        is_behind && item.position <= self.seen
    }

    /// True if the next head has to be looked up, or is held until a save. A head that is held by an
    /// extra does not count: the extra does.
    pub(super) fn is_between(&self) -> bool {
        match self.state {
            State::Held => self.unsaved.is_some(),
            State::Settled => !self.is_done(),
            _ => false,
        }
    }

    /// True if an extra may go out: it is ready, or its backoff is over.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        match self.state {
            State::Ready => true,
            State::Waiting { until } => until <= now,
            State::Parked | State::Out { .. } | State::Held | State::Settled => false,
        }
    }

    /// True if the last settlement is part of the save of this number, or of an earlier one.
    pub(super) fn is_saved(&self, number: u64) -> bool {
        self.unsaved.is_some_and(|save| save.get() <= number)
    }

    pub(super) fn is_out(&self) -> bool {
        matches!(self.state, State::Out { .. })
    }

    /// True if a worker has the head for its attempt of this number: a failure counts. A worker of
    /// an earlier process may have a head that is ready, or due again.
    pub(super) fn is_tried(&self, attempt: u32) -> bool {
        let is_known = self.number.is_some() || self.state == State::Held;
        self.is_out() || (!is_known && attempt > self.attempts())
    }

    /// True if the lease has ended.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        matches!(self.state, State::Out { until, .. } if until <= now)
    }

    pub(super) fn is_waiting(&self) -> bool {
        matches!(self.state, State::Waiting { .. })
    }

    /// True if `worker` has the head.
    pub(super) fn is_with(&self, worker: &str) -> bool {
        matches!(&self.state, State::Out { worker: Some(it), .. } if **it == *worker)
    }

    /// True if the head is held back for the workers of an earlier process.
    pub(super) fn is_held_back(&self) -> bool {
        matches!(self.state, State::Out { worker: None, .. })
    }

    /// True if the lane takes one of the limited places. A head without failures that is held back
    /// takes none: after a crash these are all heads, also those that were parked.
    pub(super) fn takes_place(&self) -> bool {
        let is_with_worker = self.is_out() && !self.is_held_back();
        self.failures.is_some() || is_with_worker || self.is_waiting()
    }

    /// Number of items that count in the window. Those that cannot go out yet do not: others are read
    /// meanwhile.
    pub(super) fn in_window(&self) -> usize {
        let is_kept_back = self.state == State::Parked || self.is_held_back();
        if self.failures.is_some() || is_kept_back {
            0
        } else {
            1 + self.later.len()
        }
    }

    /// Parks a ready head. The lane keeps its head only.
    pub(super) fn park(&mut self) {
        self.state = State::Parked;
        self.keep_head_only();
    }

    fn keep_head_only(&mut self) {
        self.later = VecDeque::new();
        self.known = self.head.position;
    }

    /// True if the head was handed out more than once.
    pub(super) fn is_redelivered(&self) -> bool {
        self.hand_outs > 1
    }

    /// Number of failed attempts of the head.
    pub(super) fn attempts(&self) -> u32 {
        self.failures.as_ref().map_or(0, |it| it.attempts)
    }
}
