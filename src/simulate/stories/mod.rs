//! An endless stream of deliveries that tell little stories, many at once.
//!
//! [`Stories`] is given a [`Script`] and asked for the next [`Delivery`] at a moment; it never
//! sleeps and never asks for the time. A story is a list of samples with shared ids and pauses
//! between them. A step whose pause is over goes next; else a new story begins, or, if moments
//! follow each other quickly, one that has begun goes on early. An item refers to earlier ones only.
//!
//! The same script and the same moments give the same bytes. The ids of messages, comments and
//! stories come from the seed and the first moment, so that neither another seed nor the same
//! seed at another time repeats them; accounts, people, posts and ads are the same in every run.

mod delivery;
mod in_progress;
mod scenario;
mod story;

use std::num::NonZeroUsize;

use jiff::Timestamp;

pub use self::delivery::Delivery;
use self::{delivery::Draft, in_progress::InProgress, scenario::Wanted};
use super::{context::Context, sender::Sender};
use crate::meta::event::Kind;

/// Meta aggregates at most so many items (Graph API Webhooks, Getting Started).
const MOST_ITEMS: usize = 1000;

/// Size and content of a stream.
#[derive(Clone, Debug)]
pub struct Script {
    /// Makes the ids and chooses what happens.
    pub seed: u64,
    /// Number of accounts; the first are the accounts of the variants.
    pub accounts: NonZeroUsize,
    /// Number of people per account.
    pub people: NonZeroUsize,
    /// Only items of these kinds; empty means every kind.
    pub kinds: Vec<Kind>,
    /// Number of items in a delivery: at most 1000, as with Meta.
    pub batch: NonZeroUsize,
}

impl Default for Script {
    /// Every kind, of three accounts and twenty people, one item a delivery.
    fn default() -> Self {
        Self {
            seed: 0,
            accounts: NonZeroUsize::MIN.saturating_add(2),
            people: NonZeroUsize::MIN.saturating_add(19),
            kinds: Vec::new(),
            batch: NonZeroUsize::MIN,
        }
    }
}

/// Deliveries without end.
///
/// However many were taken, it remembers a bounded number of stories in progress.
#[derive(Debug)]
pub struct Stories {
    script: Script,
    /// Begins with the first delivery.
    context: Option<Context>,
    /// Messaging items and changes have stories of their own, because each sender has its
    /// deliveries of its own.
    messaging: InProgress,
    changes: InProgress,
}

impl Stories {
    /// A stream that has told nothing yet.
    pub fn new(script: &Script) -> Self {
        let wanted = Wanted::new(&script.kinds);
        Self {
            messaging: InProgress::new(Sender::Messaging, wanted.clone()),
            changes: InProgress::new(Sender::Changes, wanted),
            script: script.clone(),
            context: None,
        }
    }

    /// The next delivery, sent at `at`; its items happened shortly before.
    ///
    /// Moments are expected to follow each other; if one does not, its stories go on all the same.
    /// Referrals, handovers and policy enforcements are told apart by their moment alone, so each has
    /// a millisecond of its own: more than a thousand of them a second run ahead of `at`.
    pub fn next(&mut self, at: Timestamp) -> Delivery {
        let at = at.as_millisecond();
        let Script {
            seed,
            accounts,
            people,
            batch,
            ..
        } = self.script;
        let context = self
            .context
            .get_or_insert_with(|| Context::new(seed, at, accounts, people));
        let stories = match (self.messaging.is_open(), self.changes.is_open()) {
            (true, true) if context.random.below(8) < 5 => &mut self.messaging,
            (true, false) => &mut self.messaging,
            _ => &mut self.changes,
        };
        let mut draft = Draft::new(stories.sender, at);
        for _ in 0..batch.get().min(MOST_ITEMS) {
            stories.tell_one(context, at, &mut draft);
        }
        draft.finish()
    }
}

#[cfg(test)]
mod tests;
