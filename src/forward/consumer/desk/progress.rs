//! Progress of a consumer: written first, answered then.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;

use super::Desk;
use crate::{
    config::Lane,
    forward::{
        consumer::{Refusal, Settled, handle::Reply},
        lanes::{
            Code, Counts, DeadLetter, Ended, EndedExtra, Item, Origin, Reason, Saved, Waiting,
        },
    },
    store::{
        consumers::{Failure, Flush, LaneChange, Totals},
        replays::ReplayProgress,
    },
    telemetry::{LogEvent, consumers::EventBuried},
};

/// Calls whose settlements wait for a write.
const MOST_ANSWERS: usize = 1_024;

/// Settlements of one call.
#[derive(Debug)]
struct Unanswered {
    settled: Vec<Settled>,
    reply: Reply<Vec<Settled>>,
}

/// Settlements that wait for their write.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// Settlements since the last write began.
    next: Vec<Unanswered>,
    /// Settlements of the write that has begun.
    begun: Vec<Unanswered>,
    /// Position at which the log ended, and a time before which everything committed was read then.
    end: Option<(i64, Timestamp)>,
}

impl Answers {
    /// Keeps an answer until it is durable.
    pub(super) fn keep(&mut self, settled: Vec<Settled>, reply: Reply<Vec<Settled>>) {
        if self.next.len() >= MOST_ANSWERS {
            self.next.retain(|answer| !answer.reply.is_closed());
        }
        if self.next.len() >= MOST_ANSWERS {
            let _ = reply.send(Err(Refusal::Unavailable));
        } else {
            self.next.push(Unanswered { settled, reply });
        }
    }
}

/// Ownership of a consumer.
#[derive(Clone, Copy, Debug)]
pub struct Ownership<'o> {
    /// Name of the consumer.
    pub name: &'o str,
    /// Number of the ownership.
    pub generation: i64,
    /// Unit of ordering.
    pub lane: Lane,
    /// Time for which the ownership goes on.
    pub time: Duration,
    /// Reason of a new pause.
    pub pause: Option<&'static str>,
}

/// Progress to write. It may be written again if the result of a write is unknown.
#[derive(Clone, Debug)]
pub struct Writing {
    saved: Saved,
    caught_up_at: Option<Timestamp>,
    replays: Vec<ReplayProgress>,
}

impl Desk {
    /// Records that the log ended at `position`, and that everything committed before `at` was read.
    pub fn caught_up(&mut self, position: i64, at: Timestamp) {
        self.answers.end = Some((position, at));
    }

    /// True if there is something to write.
    pub fn is_unwritten(&self) -> bool {
        !self.answers.next.is_empty() || self.lanes.is_unsaved() || self.is_replay_ending()
    }

    /// Rest of the lease of each event that is out, by position; `None` if others may be out.
    pub fn leases(&self, now: Instant) -> Option<BTreeMap<i64, Duration>> {
        self.lanes.leases(now)
    }

    /// True if all settlements can be part of a write: the next items of their lanes are known.
    pub fn can_write(&self) -> bool {
        !self.lanes.is_settling()
    }

    /// Begins a write. The one before must have ended. Unless all settlements are part of it, they
    /// are answered after a later one.
    pub fn begin_write(&mut self) -> Writing {
        let is_whole = self.can_write();
        let saved = self.lanes.save();
        if is_whole {
            self.answers.begun.append(&mut self.answers.next);
        }
        let end = self.answers.end;
        let end = end.filter(|(position, _)| *position == saved.position);
        Writing {
            caught_up_at: end.map(|(_, at)| at),
            replays: self.replays.save(&saved),
            saved,
        }
    }

    /// Answers the settlements of a write that succeeded.
    pub fn written(&mut self, writing: &Writing, took: Duration) {
        self.flush = Some(took);
        for letter in &writing.saved.dead {
            EventBuried {
                consumer: Arc::clone(&self.name),
                position: letter.item.position,
                attempts: letter.attempts,
                code: letter.code.as_str(),
            }
            .emit();
        }
        self.lanes.saved(writing.saved.number);
        self.replays.written(&writing.replays, &mut self.lanes);
        for Unanswered { settled, reply } in self.answers.begun.drain(..) {
            let _ = reply.send(Ok(settled));
        }
    }

    /// Answers the settlements whose result is unknown: their callers settle again.
    pub fn give_up_answers(&mut self) {
        let answers = &mut self.answers;
        for Unanswered { reply, .. } in answers.begun.drain(..).chain(answers.next.drain(..)) {
            let _ = reply.send(Err(Refusal::Unavailable));
        }
    }
}

impl Writing {
    /// True if a replay is done with it: the next one may begin.
    pub fn ends_replay(&self) -> bool {
        self.replays.iter().any(|replay| replay.is_done)
    }

    /// Statement for this progress at the moment `now`, of the owner with this generation.
    pub fn flush(&self, owned: &Ownership<'_>, now: Instant) -> Flush {
        let saved = &self.saved;
        let removed = saved.removed.iter().map(|it| (*it, LaneChange::Settled));
        let waiting = saved.waiting.iter().map(|row| waiting(row, now));
        let dead = saved.dead.iter().map(|letter| dead(letter, now));
        let letters = saved.ended.iter().filter(|it| settles_letter(it));
        Flush {
            name: owned.name.to_owned(),
            generation: owned.generation,
            pause: owned.pause,
            position: saved.position,
            caught_up_at: self.caught_up_at,
            heads: saved.heads.clone(),
            backlogs: saved.backlogs.clone(),
            lane: owned.lane.as_str(),
            owned_for: owned.time,
            totals: totals(&saved.counts),
            settled_letters: letters.map(|it| it.position).collect(),
            replays: self.replays.clone(),
            lanes: removed.chain(waiting).chain(dead).collect(),
        }
    }
}

/// True if the dead letter of the event, if there is one, is settled.
fn settles_letter(ended: &EndedExtra) -> bool {
    match ended.outcome {
        Ended::Settled => true,
        Ended::Skipped => ended.origin == Origin::Retry,
        Ended::Dead | Ended::TakenOver => false,
    }
}

fn waiting(row: &Waiting, now: Instant) -> (i64, LaneChange) {
    let change = LaneChange::Waiting {
        failure: failure(&row.item, (row.attempts, row.first_at), &row.code, now),
        delay: row.due_at.saturating_duration_since(now),
    };
    (row.item.position, change)
}

fn dead(letter: &DeadLetter, now: Instant) -> (i64, LaneChange) {
    let change = LaneChange::Dead {
        failure: failure(
            &letter.item,
            (letter.attempts, letter.first_at),
            &letter.code,
            now,
        ),
        reason: match letter.reason {
            Reason::Attempts => "attempts",
            Reason::Worker => "worker",
        },
    };
    (letter.item.position, change)
}

fn failure(
    item: &Item,
    (attempts, first_at): (u32, Instant),
    code: &Code,
    now: Instant,
) -> Failure {
    Failure {
        received_at: item.received_at,
        attempts: i32::try_from(attempts).unwrap_or(i32::MAX),
        failed_for: now.saturating_duration_since(first_at),
        code: code.as_str().to_owned(),
    }
}

fn totals(counts: &Counts) -> Totals {
    let number = |count| i64::try_from(count).unwrap_or(i64::MAX);
    Totals {
        settled: number(counts.settled),
        dead: number(counts.dead),
        gone: number(counts.gone),
        too_old: number(counts.too_old),
        repeated: number(counts.repeated),
        filtered: number(counts.filtered),
    }
}
