//! Settlements by workers of the model.

use std::time::Duration;

use super::{Given, World};
use crate::forward::lanes::{Answer, SkipReason, tests::code};

impl World {
    pub(in super::super) fn ack(&mut self, number: usize) {
        let token = self.given[number].lease.token;
        let answer = self.lanes.ack(&token);
        if self.check(number, answer, &[Answer::Acked]) {
            self.settle(token);
        }
    }

    /// Acks a lease and items behind it: up to `behind` positions after it.
    pub(in super::super) fn ack_through(&mut self, number: usize, behind: i64) {
        let token = self.given[number].lease.token;
        let last = token.position + behind;
        let lane = self.lanes.by_key.get(&token.lane);
        let lane = lane.filter(|_| !token.is_extra());
        let later = lane.into_iter().flat_map(|lane| &lane.later);
        let later = later.map(|item| item.position).filter(|it| *it <= last);
        let mut all = vec![token.position];
        all.extend(later);
        let is_out = self.is_out(number) && self.given[number].process == self.process;
        let through = self.given[number].lease.through;
        let answer = self.lanes.ack_through(&token, last);
        if self.check(number, answer, &[Answer::Acked]) {
            let mut sent = self.queues[&token.lane].iter();
            let is_known = |it: &&i64| **it <= last.min(through);
            let is_whole = sent.all(|it| !is_known(&it) || all.contains(it));
            assert!(!is_out || is_whole || token.is_extra());
            self.has_few_heads &= all.len() == 1;
            self.settle(token);
            all[1..].iter().for_each(|it| self.pop(token.lane, *it));
            if !token.is_extra() {
                self.settled.insert(token.lane, all);
            }
        }
    }

    pub(in super::super) fn bury(&mut self, number: usize) {
        let token = self.given[number].lease.token;
        let answer = self.lanes.dead(&token, code(), self.now);
        if self.check(number, answer, &[Answer::Dead]) {
            self.settle(token);
        }
    }

    pub(in super::super) fn nack(&mut self, number: usize, delay: Option<Duration>) {
        let token = self.given[number].lease.token;
        let is_out = self.is_out(number);
        let is_last = token.attempt >= self.limits.max_attempts;
        let answer = self.lanes.nack(&token, delay, code(), self.now);
        let accepted = [Answer::Waiting, Answer::Dead];
        if !self.check(number, answer, &accepted) {
            return;
        }
        if is_out && self.given[number].process == self.process {
            assert_eq!(answer == Answer::Dead, is_last);
        }
        if answer == Answer::Dead {
            assert!(is_last);
            self.settle(token);
        } else {
            self.remove_out(&token);
        }
    }

    pub(in super::super) fn give_back(&mut self, number: usize, delay: Option<Duration>) {
        let Given { lease, process, .. } = &self.given[number];
        let (token, is_ours) = (lease.token, *process == self.process);
        let answer = self.lanes.give_back(&token, delay, self.now);
        if !self.check(number, answer, &[Answer::Waiting]) {
            return;
        }
        if let Some(delay) = delay.filter(|_| is_ours && self.is_out(number)) {
            self.not_before.insert(token.position, self.now + delay);
            self.late += 1;
        }
        self.remove_out(&token);
    }

    /// Undoes a hand-out of this process.
    pub(in super::super) fn undo(&mut self, number: usize) {
        let Given { lease, process, .. } = &self.given[number];
        let token = lease.token;
        if *process == self.process {
            let answer = self.lanes.undo(&token, self.now);
            self.check(number, answer, &[Answer::Waiting]);
            self.given[number].is_undone |= self.is_out(number);
            self.take_out(|given| given.lease.token == token);
        }
    }

    pub(super) fn is_out(&self, number: usize) -> bool {
        let token = self.given[number].lease.token;
        self.out.get(&token.lane) == Some(&number)
    }

    pub(in super::super) fn extend(&mut self, number: usize, time: Duration) {
        let token = self.given[number].lease.token;
        let is_out = self.is_out(number);
        let answer = self.lanes.extend(&token, time, self.now);
        let over = [Answer::Waiting, Answer::Lost];
        let accepted: &[_] = if is_out { &[Answer::Extended] } else { &over };
        if self.given[number].process == self.process {
            self.check(number, answer, accepted);
        }
        if answer == Answer::Extended {
            let until = &mut self.given[number].until;
            *until = (self.now + time).max(*until);
        }
    }

    pub(in super::super) fn skip(&mut self, position: i64, reason: SkipReason) {
        if self.lanes.skip(position, reason) {
            let lane = self.item(position).lane;
            let out = self.out.get(&lane).map(|it| self.given[*it].lease.token);
            let is_out = out.is_some_and(|it| it.position == position && !it.is_extra());
            self.has_few_heads &= is_out;
            self.pop(lane, position);
            out.filter(|_| is_out).map(|token| self.remove_out(&token));
            self.late += usize::from(!is_out);
        }
    }

    /// Checks an answer; true if the settlement was accepted.
    fn check(&self, number: usize, answer: Answer, accepted: &[Answer]) -> bool {
        let Given { lease, process, .. } = &self.given[number];
        if lease.token.is_extra() {
            return self.check_extra_answer(number, answer, accepted);
        }
        let (position, is_ours) = (lease.token.position, *process == self.process);
        let last = self.last.get(&position);
        if !self.queues[&lease.token.lane].contains(&position) {
            let is_unsure = !is_ours && self.lanes.backlogs() > 0 && answer == Answer::Lost;
            assert!(answer == Answer::Already || is_unsure, "{answer:?}");
            return false;
        }
        match last {
            Some(last) if *last == number => assert!(accepted.contains(&answer), "{answer:?}"),
            Some(_) => assert_eq!(answer, Answer::Lost),
            None => {
                assert!(!is_ours);
                let refused = matches!(answer, Answer::Lost | Answer::Unknown);
                assert!(refused || accepted.contains(&answer), "{answer:?}");
            }
        }
        accepted.contains(&answer)
    }
}
