//! A delivery on its way: what it is, how often it was tried, and when it is tried again.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::super::{client::Answer, request::Signed, stories::Delivery};

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

/// Purpose of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// New events.
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
    pub(super) delivery: Delivery,
    /// The body of the last try, or of the first one that is to come.
    pub(super) body: Bytes,
    /// Due time: start of the latency.
    pub(super) due: Instant,
    /// Number of sends.
    pub(super) tries: u32,
}

impl Post {
    /// A delivery that was not sent yet.
    pub(super) fn new(number: u64, sort: Sort, delivery: Delivery, due: Instant) -> Self {
        Self {
            number,
            sort,
            body: delivery.body.clone(),
            delivery,
            due,
            tries: 0,
        }
    }

    /// True if its body went out before. Meta writes the time of sending into each try, so that no
    /// two are the same bytes.
    pub(super) fn is_again(&self) -> bool {
        self.tries > 0 || matches!(self.sort, Sort::Repeat(_))
    }

    /// The memory that keeping it takes.
    pub(super) fn bytes(&self) -> usize {
        self.delivery.body.len() + self.body.len()
    }

    pub(super) fn signed(&self) -> Signed {
        match self.sort {
            Sort::Forged => Signed::Wrongly,
            Sort::New | Sort::Repeat(_) => Signed::Rightly,
        }
    }

    /// True if the answer is final: an ack, or the 401 of a forgery.
    pub(super) fn is_settled_by(&self, answer: Answer) -> bool {
        let refused = self.sort == Sort::Forged && answer == Answer::Status(401);
        answer.is_ack() || refused
    }

    /// Pause before the next try.
    pub(super) fn pause(&self) -> Duration {
        let made = usize::try_from(self.tries.saturating_sub(1)).unwrap_or(usize::MAX);
        PAUSES.get(made).copied().unwrap_or(LAST_PAUSE)
    }
}
