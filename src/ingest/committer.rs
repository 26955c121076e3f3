//! The one task that commits: whatever has queued, together, then answers each.
//!
//! Nothing waits for a batch to fill: while one commit is on its way the next batch gathers by
//! itself. A batch that Postgres refuses is split until the delivery that it refuses stands alone;
//! that one is kept without its events, and its neighbours never notice. After a batch that failed
//! otherwise the next ones are smaller, and grow again as they succeed: what one delivery does to
//! Postgres, be it to hang or to fall over, it soon does to no neighbour.

use tokio::sync::mpsc;

use super::{
    Failure, Pulse, Settled,
    link::{Denied, Link},
    writer::Waiting,
};
use crate::{
    meta::event::Problem,
    store::{Commits, Delivery},
    telemetry::{EventsRefused, Happening},
};

/// The most deliveries of one commit.
const BATCH: usize = 500;

/// The most events of one commit, unless a single delivery holds more.
const BATCH_EVENTS: usize = 2_000;

/// The most bytes of bodies of one commit, unless a single one is larger.
const BATCH_BYTES: usize = 8 << 20;

/// The task behind a [`Writer`](super::Writer): runs until every handle of it is dropped.
#[derive(Debug)]
pub struct Committer {
    queue: mpsc::Receiver<Waiting>,
    link: Link,
    pulse: Pulse,
    /// How many deliveries the next batch may have.
    room: usize,
}

impl Committer {
    /// A committer of what comes through `queue`, over `link`.
    pub(super) fn new(queue: mpsc::Receiver<Waiting>, link: Link, pulse: Pulse) -> Self {
        let room = BATCH;
        Self {
            queue,
            link,
            pulse,
            room,
        }
    }

    /// The same, with commits that wait for what `commits` says.
    #[must_use]
    pub fn with(mut self, commits: Commits) -> Self {
        self.link.set_commits(commits);
        self
    }

    /// Commits what waits, batch after batch, until nobody can hand over any more.
    pub async fn run(mut self) {
        let mut waiting = Vec::with_capacity(BATCH);
        while self.queue.recv_many(&mut waiting, BATCH).await > 0 {
            while !waiting.is_empty() {
                let batch = waiting.drain(..fitting(&waiting, self.room)).collect();
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
        self.room = room_after(self.room, &results);
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
            (Err(Denied::Refused), [alone]) if alone.problem != Some(Problem::Refused) => {
                let refused = strip(alone);
                let results = Box::pin(self.commit(deliveries)).await;
                let kept = results.iter().all(Result::is_ok);
                kept.then(|| refused.emit());
                results
            }
            (Err(Denied::Refused), [_, _, ..]) => {
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

/// How many of `waiting` fit into one commit of so many deliveries: at least one.
fn fitting(waiting: &[Waiting], room: usize) -> usize {
    let (mut events, mut bytes) = (0, 0);
    let too_much = |one: &Waiting| {
        events += one.delivery.events.len();
        bytes += one.delivery.body.len();
        events > BATCH_EVENTS || bytes > BATCH_BYTES
    };
    let most = waiting.len().min(room);
    waiting[..most]
        .iter()
        .position(too_much)
        .unwrap_or(most)
        .max(1)
}

/// Half as many as failed, or twice as many as before.
fn room_after(room: usize, results: &[Settled]) -> usize {
    match results.iter().filter(|result| result.is_err()).count() {
        0 => BATCH.min(room * 2),
        failed => (failed / 2).max(1),
    }
}

/// What Postgres refuses is kept byte for byte, without the events it refuses.
fn strip(delivery: &mut Delivery) -> EventsRefused {
    let events = delivery.events.len();
    delivery.events.clear();
    delivery.object = None;
    delivery.problem = Some(Problem::Refused);
    EventsRefused { events }
}
