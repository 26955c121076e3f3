//! An endless stream of deliveries that tell little stories, many at once.
//!
//! [`Stories`] is given a [`Script`] and asked for the next [`Delivery`] at a moment; it never
//! sleeps and never asks for the time. A story is a list of steps with pauses between them. A step
//! whose pause is over goes next; else a new story begins, or, where moments follow each other
//! quickly, one that has begun goes on early. What a step refers to happened in an earlier one.
//!
//! The same script and the same moments give the same bytes. The ids of messages, comments and
//! stories come from the seed and the first moment, so that neither another seed nor the same
//! seed at another time repeats them; accounts, people, posts and ads are the same in every run.

mod act;
mod attachments;
mod delivery;
mod feed;
mod lane;
mod notices;
mod stage;
mod story;
mod tales;
mod talk;
mod texts;

use std::num::NonZeroUsize;

use jiff::Timestamp;

pub use self::delivery::{Counts, Delivery};
use self::{
    delivery::pack,
    lane::Lane,
    stage::{Kinds, Stage},
};
use super::serialise::Sender;
use crate::meta::event::Kind;

/// Meta aggregates at most so many items (Graph API Webhooks, Getting Started).
const MOST_ITEMS: usize = 1000;

/// From this pause between two deliveries on, stories take the time they take.
const UNHURRIED_MS: i64 = 30_000;

/// Who takes part and what is told.
#[derive(Clone, Debug)]
pub struct Script {
    /// Makes the ids and chooses what happens.
    pub seed: u64,
    /// How many accounts take part; the first are the same as those of the variants.
    pub accounts: NonZeroUsize,
    /// How many people write to them.
    pub people: NonZeroUsize,
    /// Only items of these kinds; empty means every kind.
    pub kinds: Vec<Kind>,
    /// How many items a delivery holds: at most 1000, as with Meta.
    pub batch: NonZeroUsize,
}

/// Deliveries without end.
///
/// However many were taken, it remembers a bounded number of stories in progress.
#[derive(Debug)]
pub struct Stories {
    stage: Stage,
    /// Messaging items and changes have stories of their own, because each sender has its
    /// deliveries of its own.
    messaging: Lane,
    changes: Lane,
    batch: usize,
    asked_at: Option<i64>,
}

impl Stories {
    /// A stream that has told nothing yet.
    pub fn new(script: &Script) -> Self {
        let kinds = Kinds::of(&script.kinds);
        Self {
            messaging: Lane::new(Sender::Messaging, kinds),
            changes: Lane::new(Sender::Changes, kinds),
            batch: script.batch.get().min(MOST_ITEMS),
            stage: Stage::new(script.seed, script.accounts, script.people),
            asked_at: None,
        }
    }

    /// The next delivery, sent at `at`; its items happened shortly before.
    ///
    /// Moments are expected to follow each other; where one does not, its stories go on all the same.
    /// Referrals, handovers and policy enforcements are told apart by their moment alone, so each has
    /// a millisecond of its own: more than a thousand of them a second run ahead of `at`.
    pub fn next(&mut self, at: Timestamp) -> Delivery {
        let at = at.as_millisecond();
        let before = self.asked_at.replace(at);
        if before.is_none() {
            self.stage.open(at);
        }
        let unhurried = before.is_some_and(|before| at.saturating_sub(before) >= UNHURRIED_MS);
        let lane = match (self.messaging.is_open(), self.changes.is_open()) {
            (true, true) if self.stage.random.below(8) < 5 => &mut self.messaging,
            (true, false) => &mut self.messaging,
            _ => &mut self.changes,
        };
        let items = (0..self.batch).map(|_| lane.next(&mut self.stage, at, unhurried));
        let items = items.collect();
        pack(lane.sender, at, items)
    }
}

#[cfg(test)]
mod tests;
