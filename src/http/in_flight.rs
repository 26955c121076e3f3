//! Deliveries in flight, from the end of their head to their outcome: their number, and their
//! outcomes since a stop was requested.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
};

use tokio::sync::Notify;

use crate::ingest::{Outcome, Rejection};

/// Counter of deliveries in flight. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct InFlight(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    open: AtomicUsize,
    stopping: AtomicBool,
    acked: AtomicUsize,
    refused: AtomicUsize,
    unfinished: AtomicUsize,
    none_left: Notify,
}

/// Outcomes of deliveries since a stop was requested.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// Stored or spooled, and answered with 200.
    pub acked: usize,
    /// Rejected for good: invalid signature, size or form.
    pub refused: usize,
    /// Neither; Meta sends them again.
    pub unfinished: usize,
}

impl InFlight {
    /// Number of deliveries in flight.
    pub fn count(&self) -> usize {
        self.0.open.load(SeqCst)
    }

    /// Starts to count outcomes.
    pub fn note_ends(&self) {
        self.0.stopping.store(true, SeqCst);
    }

    /// Outcomes so far. A delivery still in flight counts as unfinished.
    pub fn ends(&self) -> Ends {
        Ends {
            unfinished: self.0.unfinished.load(SeqCst) + self.count(),
            acked: self.0.acked.load(SeqCst),
            refused: self.0.refused.load(SeqCst),
        }
    }

    /// Waits until no delivery is in flight.
    pub async fn none_left(&self) {
        // Before a stop, the last delivery notifies nobody.
        self.note_ends();
        while self.count() > 0 {
            self.0.none_left.notified().await;
        }
    }

    /// Counts a delivery until the guard is dropped.
    pub(super) fn enter(&self) -> InFlightGuard {
        self.0.open.fetch_add(1, SeqCst);
        InFlightGuard(Arc::clone(&self.0))
    }
}

/// Entry of one delivery, until it is dropped.
#[derive(Debug)]
pub(super) struct InFlightGuard(Arc<Shared>);

impl InFlightGuard {
    /// Counts the outcome, if a stop was requested.
    pub(super) fn ended(&self, outcome: Outcome) {
        if self.0.stopping.load(SeqCst) {
            self.counter(outcome).fetch_add(1, SeqCst);
        }
    }

    fn counter(&self, outcome: Outcome) -> &AtomicUsize {
        match outcome {
            Outcome::Accepted { .. } | Outcome::Unreadable(_) | Outcome::Spooled => &self.0.acked,
            Outcome::Rejected(
                Rejection::SignatureMissing
                | Rejection::SignatureSha1Only
                | Rejection::SignatureMalformed
                | Rejection::SignatureMismatch
                | Rejection::BodyReencoded
                | Rejection::BodyTooLarge
                | Rejection::BodyMalformed,
            ) => &self.0.refused,
            Outcome::Rejected(Rejection::BodyTimeout | Rejection::BodyIncomplete)
            | Outcome::Failed(_) => &self.0.unfinished,
        }
    }
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        let was_last = self.0.open.fetch_sub(1, SeqCst) == 1;
        if was_last && self.0.stopping.load(SeqCst) {
            self.0.none_left.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_last_that_leaves_is_waited_for() {
        let in_flight = InFlight::default();
        in_flight.none_left().await;
        let places = [in_flight.enter(), in_flight.enter()];
        in_flight.note_ends();
        let waiting = tokio::spawn({
            let in_flight = in_flight.clone();
            async move { in_flight.none_left().await }
        });
        for place in places {
            tokio::task::yield_now().await;
            assert!(!waiting.is_finished());
            drop(place);
        }
        waiting.await.unwrap();
    }
}
