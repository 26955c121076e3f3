//! Extras of the model: settled events that are handed out again.

use std::{collections::BTreeMap, time::Duration};

use super::{Given, Queues, World};
use crate::forward::lanes::{Answer, Lease, Origin, SkipReason, State};

impl World {
    /// Offers one of the events that are settled and saved.
    pub(in super::super) fn offer_extra(&mut self, pick: usize, origin: Origin) {
        let items: Vec<_> = self.log.values().flatten().copied().collect();
        let Some(item) = items.get(pick % items.len().max(1)).copied() else {
            return;
        };
        let queues = [&self.queues, &self.database.queues];
        let is_live = |queues: &&Queues| queues[&item.lane].contains(&item.position);
        if item.position > self.database.position || queues.iter().any(is_live) {
            return;
        }
        let was = self.extras.get(&item.position).copied();
        let is_taken = match (was, self.lanes.extras.get(item.position)) {
            (_, None) => true,
            // Its settlement is not confirmed.
            (None, Some(_)) => false,
            (Some(was), Some(_)) => {
                let is_of = was == origin || self.is_other(item.position, origin);
                !is_of && (origin != Origin::Retry || !was.goes_on(self.active))
            }
        };
        assert_eq!(self.offer(item.position, origin), is_taken);
        if is_taken {
            self.database.extras.insert((item.position, origin));
        }
    }

    fn offer(&mut self, position: i64, origin: Origin) -> bool {
        let is_new = self.lanes.extras.get(position).is_none();
        let is_taken = self.lanes.offer_extra(self.item(position), origin);
        if is_taken {
            self.share(position, origin);
        }
        if is_new {
            self.last.remove(&position);
            self.not_before.remove(&position);
        }
        is_taken
    }

    fn is_other(&self, position: i64, origin: Origin) -> bool {
        let replay = origin.replay();
        replay.is_some_and(|replay| self.others.contains(&(position, replay)))
    }

    /// Gives an event to one more origin.
    fn share(&mut self, position: i64, origin: Origin) {
        let was = self.extras.get(&position).copied();
        let goes_out = was.is_none_or(|it| it == Origin::Retry || !it.goes_on(self.active));
        let (first, other) = if goes_out {
            (origin, was)
        } else {
            (was.unwrap(), Some(origin))
        };
        let other = other.and_then(Origin::replay);
        self.others.extend(other.map(|replay| (position, replay)));
        if let Some(replay) = first.replay() {
            self.others.remove(&(position, replay));
        }
        self.extras.insert(position, first);
    }

    /// Offers the extras of the database that are not in memory, as the owner does from time to time.
    pub(super) fn offer_again(&mut self) {
        for (position, origin) in self.database.extras.clone() {
            if origin.goes_on(self.active) && self.extras.get(&position) != Some(&origin) {
                self.offer(position, origin);
            }
        }
    }

    /// Lets another replay go on.
    pub(in super::super) fn play(&mut self, replay: Option<i32>) {
        self.active = replay;
        self.lanes.play(replay);
        let others = self.others.iter().copied();
        let of_active = others.filter(|(_, other)| Some(*other) == replay);
        for (position, other) in of_active.collect::<Vec<_>>() {
            if self.extras[&position] != Origin::Retry {
                self.share(position, Origin::Replay(other));
            }
        }
    }

    /// Cancels a replay. Those of its extras that are out stay.
    pub(in super::super) fn cancel(&mut self, replay: i32) {
        let origin = Origin::Replay(replay);
        self.lanes.drop_replay(replay);
        self.others.retain(|(_, other)| *other != replay);
        for (position, of) in &mut self.extras {
            let mut others = self.others.range((*position, 0)..(*position + 1, 0));
            if *of == origin
                && let Some(other) = others.next().copied()
            {
                *of = Origin::Replay(other.1);
                self.others.remove(&other);
            }
        }
        let lanes = &self.lanes;
        self.extras
            .retain(|at, of| *of != origin || lanes.extras.get(*at).is_some());
        self.database.extras.retain(|(_, of)| *of != origin);
        self.database.replayed.retain(|(of, _)| *of != replay);
    }

    /// Checks the hand-out of an extra.
    pub(super) fn check_extra(&self, lease: &Lease) {
        let token = lease.token;
        let origin = self.extras.get(&token.position);
        assert_eq!(
            origin,
            lease.origin.as_ref(),
            "settled, or of another origin"
        );
        assert!(lease.redelivered || origin != Some(&Origin::Retry));
        assert!(
            origin.is_some_and(|it| it.goes_on(self.active)),
            "its replay is paused"
        );
        for queues in [&self.queues, &self.database.queues] {
            let first = queues[&token.lane].front();
            let account = self.item(token.position).account;
            let is_known = first.is_some_and(|first| *first <= self.lanes.read_of(account));
            assert!(!is_known, "a live item of the lane goes first");
        }
    }

    /// Checks that each settled extra of the lane is saved, if it was handed out by this process. Others
    /// were settled with an earlier lease, and a restart holds them back for longer than that.
    pub(super) fn check_saved_extras(&self, lease: &Lease) {
        let is_of_lane = |it: &&i64| self.item(**it).lane == lease.token.lane;
        let is_held = |it: &&i64| self.last.contains_key(it) && !self.late_extras.contains(*it);
        let mut unsaved = self.ended.iter().filter(is_of_lane);
        let settled = unsaved.find(is_held);
        assert_eq!(settled, None, "the extra before it is not saved");
    }

    /// Checks the answer to the settlement of an extra; true if it was accepted.
    pub(super) fn check_extra_answer(
        &self,
        number: usize,
        answer: Answer,
        accepted: &[Answer],
    ) -> bool {
        let Given { lease, process, .. } = &self.given[number];
        let (position, is_ours) = (lease.token.position, *process == self.process);
        let over: &[_] = if is_ours {
            &[Answer::Already]
        } else {
            &[Answer::Already, Answer::Unknown]
        };
        if !self.extras.contains_key(&position) {
            assert!(over.contains(&answer), "{answer:?}");
            return false;
        }
        match self.last.get(&position) {
            Some(last) if *last == number => assert!(accepted.contains(&answer), "{answer:?}"),
            Some(_) => assert_eq!(answer, Answer::Lost),
            None if is_ours => assert_eq!(answer, Answer::Already),
            None => assert_ne!(answer, Answer::Already),
        }
        accepted.contains(&answer)
    }

    /// Settles an item that is out without its worker.
    pub(in super::super) fn skip_out(&mut self, number: usize) {
        let token = self.given[number].lease.token;
        if self.is_out(number) && self.given[number].process == self.process {
            assert!(self.lanes.skip_out(&token, SkipReason::Gone));
            self.settle(token);
        }
    }

    /// Checks that the live head of a lane with an extra that is out is held.
    pub(super) fn check_held(&self) {
        for (key, lane) in &self.lanes.by_key {
            let extras = self.lanes.extras.iter().map(|extra| &extra.lane);
            let mut extras = extras.filter(|extra| extra.head.lane == *key);
            let holds = extras.any(|it| it.is_out() && !it.is_held_back());
            assert!(!holds || matches!(lane.state, State::Held | State::Settled));
        }
    }

    /// Restores the extras after a crash. Those of a replay that were offered after the last save
    /// are offered again.
    pub(super) fn restore_extras(&mut self, leases: Option<&BTreeMap<i64, Duration>>) {
        self.extras.clear();
        self.others.clear();
        self.lanes.play(self.active);
        let facts = self.database.extras.clone();
        let is_retry = |fact: &&(i64, Origin)| fact.1 == Origin::Retry;
        let (retries, replayed): (Vec<_>, Vec<_>) = facts.iter().partition(is_retry);
        for (position, origin) in replayed.into_iter().chain(retries) {
            let item = self.item(position);
            let is_known = self.database.knows(position, origin);
            if is_known && self.lanes.restore_extra(item, origin, leases, self.now) {
                self.share(position, origin);
            }
        }
        self.restore_cancelled(leases);
        self.offer_again();
    }

    /// Restores the extras of cancelled replays that are out.
    fn restore_cancelled(&mut self, leases: Option<&BTreeMap<i64, Duration>>) {
        for (replay, position) in self.database.replayed.clone() {
            let (item, origin) = (self.item(position), Origin::Replay(replay));
            let is_out = leases.is_none_or(|it| it.contains_key(&position));
            let is_cancelled = !self.database.extras.contains(&(position, origin));
            if is_out && is_cancelled && self.lanes.restore_extra(item, origin, leases, self.now) {
                self.share(position, origin);
            }
        }
    }
}
