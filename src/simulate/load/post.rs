//! A delivery on its way: what it is, how often it was tried, and when it is tried again.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use jiff::Timestamp;

use super::super::{report::Answer, request::Signed, stories::Delivery};

/// The pauses before each further try. Meta sends again at once and then "with decreasing
/// frequency over the next 36 hours" (Graph API Webhooks, Getting Started); here it goes quicker.
const PAUSES: [Duration; 6] = [
    Duration::ZERO,
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

/// The pause between all tries after those.
const LAST_PAUSE: Duration = Duration::from_secs(5);

/// What a delivery is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// It tells something new.
    New,
    /// The delivery of this number was acked, and comes again all the same.
    Repeat(u64),
    /// Signed with a wrong secret.
    Forged,
}

/// A delivery on its way.
#[derive(Debug)]
pub(super) struct Post {
    /// Its place in the run, counted from 0.
    pub(super) number: u64,
    pub(super) sort: Sort,
    pub(super) delivery: Arc<Delivery>,
    /// From when its latency counts.
    pub(super) due: Instant,
    /// How often it was sent.
    pub(super) tries: u32,
    /// The time of sending in the body that was written last; none where it is the first body.
    pub(super) written_at: Option<Timestamp>,
}

impl Post {
    /// What it takes to keep it.
    pub(super) fn bytes(&self) -> usize {
        self.delivery.body.len()
    }

    /// Writes the body of the next try. Meta writes the time of sending into each, so that no two
    /// are the same bytes.
    pub(super) fn write(&mut self, now: impl FnOnce() -> Timestamp) {
        let is_first = self.tries == 0 && !matches!(self.sort, Sort::Repeat(_));
        self.written_at = (!is_first).then(now);
    }

    /// The body that was written last.
    pub(super) fn body(&self) -> Bytes {
        match self.written_at {
            None => self.delivery.body.clone(),
            Some(at) => self.delivery.sent_again(at),
        }
    }

    pub(super) fn signed(&self) -> Signed {
        match self.sort {
            Sort::Forged => Signed::Wrongly,
            Sort::New | Sort::Repeat(_) => Signed::Rightly,
        }
    }

    /// Whether this answer is the last word: an ack, or of a forgery the refusal.
    pub(super) fn is_settled_by(&self, answer: Answer) -> bool {
        let refused = self.sort == Sort::Forged && answer == Answer::Status(401);
        answer.is_ack() || refused
    }

    /// How long to wait before the next try.
    pub(super) fn pause(&self) -> Duration {
        let made = usize::try_from(self.tries.saturating_sub(1)).unwrap_or(usize::MAX);
        PAUSES.get(made).copied().unwrap_or(LAST_PAUSE)
    }
}
