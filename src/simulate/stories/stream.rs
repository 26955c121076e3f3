//! The stream of deliveries: which sender has the next one, and how many items it holds.

use std::num::NonZeroUsize;

use jiff::Timestamp;

use super::{
    super::{context::Context, sender::Sender},
    delivery::{Delivery, pack},
    in_progress::InProgress,
    scenario::Kinds,
};
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
    script: Script,
    /// Begins with the first delivery.
    context: Option<Context>,
    /// Messaging items and changes have stories of their own, because each sender has its
    /// deliveries of its own.
    messaging: InProgress,
    changes: InProgress,
    asked_at: i64,
}

impl Stories {
    /// A stream that has told nothing yet.
    pub fn new(script: &Script) -> Self {
        let kinds = Kinds::of(&script.kinds);
        Self {
            messaging: InProgress::new(Sender::Messaging, kinds),
            changes: InProgress::new(Sender::Changes, kinds),
            script: script.clone(),
            context: None,
            asked_at: i64::MAX,
        }
    }

    /// The next delivery, sent at `at`; its items happened shortly before.
    ///
    /// Moments are expected to follow each other; if one does not, its stories go on all the same.
    /// Referrals, handovers and policy enforcements are told apart by their moment alone, so each has
    /// a millisecond of its own: more than a thousand of them a second run ahead of `at`.
    pub fn next(&mut self, at: Timestamp) -> Delivery {
        let at = at.as_millisecond();
        let unhurried = at.saturating_sub(self.asked_at) >= UNHURRIED_MS;
        self.asked_at = at;
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
        let items = (0..batch.get().min(MOST_ITEMS)).map(|_| stories.next(context, at, unhurried));
        let items = items.collect();
        pack(stories.sender, at, items)
    }

    /// How much it remembers.
    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        self.messaging.size() + self.changes.size()
    }
}
