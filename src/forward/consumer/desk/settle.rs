//! Settlement of leases, answered once it is durable.

use std::{collections::BTreeMap, time::Instant};

use super::Desk;
use crate::{
    forward::{
        consumer::{Refusal, Settled, Settlement, Verb, handle::Reply},
        lanes::{Answer, Token},
    },
    telemetry::{LogEvent, consumers::LeasesSettled},
};

impl Desk {
    /// Settles a batch. The answer waits for the next flush. After a takeover, a batch with an event
    /// that is not read again yet is refused whole.
    pub(super) fn settle(
        &mut self,
        batch: Vec<Settlement>,
        reply: Reply<Vec<Settled>>,
        now: Instant,
    ) {
        let token = |it: &Settlement| self.key.decode(&it.lease);
        let tokens: Vec<_> = batch.iter().map(token).collect();
        if tokens.iter().flatten().any(|it| self.lanes.is_unread(it)) {
            let _ = reply.send(Err(Refusal::Unavailable));
            return;
        }
        let settle = |(token, it): (Option<Token>, Settlement)| Settled {
            answer: token.map_or(Answer::Unknown, |token| self.apply(&token, &it.verb, now)),
            lease: it.lease,
        };
        let settled: Vec<_> = tokens.into_iter().zip(batch).map(settle).collect();
        let acked = settled.iter().filter(|it| it.answer == Answer::Acked);
        self.rate.count(acked.count() as u64, now);
        self.note_answers(&settled);
        if settled.iter().all(|it| changes_nothing(it.answer)) {
            let _ = reply.send(Ok(settled));
        } else {
            self.answers.keep(settled, reply);
        }
    }

    fn note_answers(&self, settled: &[Settled]) {
        let mut counts = BTreeMap::<_, usize>::new();
        for Settled { answer, .. } in settled {
            *counts.entry(answer.as_str()).or_default() += 1;
        }
        for (answer, count) in counts {
            let consumer = &self.name;
            LeasesSettled {
                consumer,
                answer,
                count,
            }
            .emit();
        }
    }

    fn apply(&mut self, token: &Token, verb: &Verb, now: Instant) -> Answer {
        match verb {
            Verb::Ack => self.lanes.ack(token),
            Verb::AckThrough(last) => self.lanes.ack_through(token, *last),
            Verb::Nack { delay, code } => self.lanes.nack(token, *delay, code.clone(), now),
            Verb::GiveBack { delay } => self.lanes.give_back(token, Some(*delay), now),
            Verb::Extend(time) => {
                let time = time.unwrap_or(self.settings.lease);
                self.lanes.extend(token, time, now)
            }
            Verb::Bury(code) => self.lanes.dead(token, code.clone(), now),
        }
    }
}

/// True if nothing needs to be written for this answer. An extension waits for a write, which tells
/// if another process owns the consumer meanwhile.
fn changes_nothing(answer: Answer) -> bool {
    matches!(answer, Answer::Unknown | Answer::Lost)
}
