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
        // One whose settlement was written and not confirmed is still in memory.
        let is_written = self.lanes.extras.get(item.position).is_some();
        let is_new = !self.database.extras.contains_key(&item.position) && !is_written;
        assert_eq!(self.lanes.offer_extra(item, origin), is_new);
        if is_new {
            self.extras.insert(item.position, origin);
            self.database.extras.insert(item.position, origin);
            self.last.remove(&item.position);
            self.not_before.remove(&item.position);
        }
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
        for queues in [&self.queues, &self.database.queues] {
            let first = queues[&token.lane].front();
            let is_known = first.is_some_and(|first| *first <= self.lanes.read());
            assert!(!is_known, "a live item of the lane goes first");
        }
    }

    /// Checks that each settled extra of the lane is saved, if it was handed out by this process. Others
    /// were settled with an earlier lease, and a restart holds them back for longer than that.
    pub(super) fn check_saved_extras(&self, lease: &Lease) {
        let mut unsaved = self.database.extras.keys();
        let is_of_lane = |it: &&i64| self.item(**it).lane == lease.token.lane;
        let is_settled = |it: &i64| {
            let is_ended = !self.extras.contains_key(it) && self.last.contains_key(it);
            is_ended && !self.late_extras.contains(it)
        };
        let settled = unsaved.find(|it| is_of_lane(it) && is_settled(it));
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
        self.extras = self.database.extras.clone();
        for (position, origin) in &self.extras {
            let item = self.item(*position);
            let is_new = if self.database.knows(*position, *origin) {
                self.lanes.restore_extra(item, *origin, leases, self.now)
            } else {
                self.lanes.offer_extra(item, *origin)
            };
            assert!(is_new);
        }
    }
}
