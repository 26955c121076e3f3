//! The one task that commits: whatever has queued, together, then answers each.
//!
//! Nothing waits for a batch to fill: while one commit is on its way the next batch gathers by
//! itself. A batch that Postgres refuses is split until the delivery that it refuses stands alone;
//! that one is kept without its events, and its neighbours never notice.

use tokio::sync::mpsc;

use super::{Failure, Pulse, Settled, link::Link, writer::Waiting};
use crate::{
    meta::event::Problem,
    store::{Delivery, Error},
    telemetry::{EventsRefused, Happening},
};

/// The most deliveries of one commit.
const BATCH: usize = 500;

/// The most events of one commit, unless a single delivery holds more.
const BATCH_EVENTS: usize = 2_000;

/// The task behind a [`Writer`](super::Writer): runs until every handle of it is dropped.
#[derive(Debug)]
pub struct Committer {
    queue: mpsc::Receiver<Waiting>,
    link: Link,
    pulse: Pulse,
}

impl Committer {
    /// A committer of what comes through `queue`, over `link`.
    pub(super) fn new(queue: mpsc::Receiver<Waiting>, link: Link, pulse: Pulse) -> Self {
        Self { queue, link, pulse }
    }

    /// Commits what waits, batch after batch, until nobody can hand over any more.
    pub async fn run(mut self) {
        let mut waiting = Vec::with_capacity(BATCH);
        while self.queue.recv_many(&mut waiting, BATCH).await > 0 {
            while !waiting.is_empty() {
                let batch = waiting.drain(..fitting(&waiting)).collect();
                self.settle(batch).await;
            }
        }
    }

    /// Commits a batch and answers each of its callers after its own commit.
    async fn settle(&mut self, batch: Vec<Waiting>) {
        let count = batch.len();
        let (deliveries, callers): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .filter_map(still_waited_for)
            .map(|one| (one.delivery, one.caller))
            .unzip();
        let results = self.commit(deliveries).await;
        for (caller, result) in callers.into_iter().zip(results) {
            caller.settle(result);
        }
        self.pulse.settle(count);
    }

    /// Commits `deliveries`: in halves where Postgres refuses them, and the one that it refuses
    /// without its events.
    async fn commit(&mut self, mut deliveries: Vec<Delivery>) -> Vec<Settled> {
        let count = deliveries.len();
        match (self.link.send(&deliveries).await, &mut deliveries[..]) {
            (Ok(committed), _) => committed.into_iter().map(Ok).collect(),
            (Err(Error::Refused(_)), [alone]) if alone.problem != Some(Problem::Refused) => {
                strip(alone);
                Box::pin(self.commit(deliveries)).await
            }
            (Err(Error::Refused(_)), [_, _, ..]) => {
                let second = deliveries.split_off(count / 2);
                let mut results = Box::pin(self.commit(deliveries)).await;
                results.extend(Box::pin(self.commit(second)).await);
                results
            }
            (Err(_), _) => vec![Err(Failure::StoreUnavailable); count],
        }
    }
}

/// A caller whose patience ended was told to come again: what it brought is not committed.
fn still_waited_for(one: Waiting) -> Option<Waiting> {
    if one.caller.is_waiting() {
        return Some(one);
    }
    one.caller.settle(Err(Failure::StoreUnavailable));
    None
}

/// How many of `waiting` fit into one commit: at least one.
fn fitting(waiting: &[Waiting]) -> usize {
    let mut events = 0;
    let too_many = |one: &Waiting| {
        events += one.delivery.events.len();
        events > BATCH_EVENTS
    };
    waiting
        .iter()
        .position(too_many)
        .unwrap_or(waiting.len())
        .max(1)
}

/// What Postgres refuses is kept byte for byte, without the events it refuses.
fn strip(delivery: &mut Delivery) {
    EventsRefused {
        events: delivery.events.len(),
    }
    .emit();
    delivery.events.clear();
    delivery.object = None;
    delivery.problem = Some(Problem::Refused);
}
