//! The one task that commits: whatever has queued, together, then answers each.
//!
//! Nothing waits for a batch to fill: while one commit is on its way the next batch gathers by
//! itself. A batch that Postgres refuses is split until the delivery that it refuses stands alone;
//! that one is kept without its events, and its neighbours never notice. After a batch that failed
//! otherwise the next ones are smaller, and grow again as they succeed: what one delivery does to
//! Postgres, be it to hang or to fall over, it soon does to no neighbour.

use std::time::Instant;

use tokio_util::task::TaskTracker;

use super::{
    Caller, Failure, Pulse, Settled,
    link::{Denied, Link},
    queue::{BATCH, Exit, Lot, Waiting},
};
use crate::{
    meta::event::Problem,
    store::{Batch, Commits, Delivery, Error},
    telemetry::{EventsRefused, Happening},
};

/// The task behind a [`Writer`](super::Writer): runs until every handle of it is dropped.
#[derive(Debug)]
pub struct Committer {
    queue: Exit,
    link: Link,
    pulse: Pulse,
    /// How many deliveries the next batch may have.
    room: usize,
    telling: TaskTracker,
}

impl Committer {
    /// A committer of what comes through `queue`, over `link`.
    pub(super) fn new(queue: Exit, link: Link, pulse: Pulse) -> Self {
        Self {
            queue,
            link,
            pulse,
            room: BATCH,
            telling: TaskTracker::new(),
        }
    }

    /// The same, with commits that wait for what `commits` says.
    #[must_use]
    pub fn with(mut self, commits: Commits) -> Self {
        self.link.set_commits(commits);
        self
    }

    /// Commits what waits, batch after batch, until nobody can hand over any more and everybody has
    /// an answer.
    pub async fn run(mut self) {
        let mut spare = Batch::default();
        while let Some(lot) = self.queue.next(self.room, spare).await {
            spare = self.settle(lot).await;
            spare.clear();
        }
        self.telling.close();
        self.telling.wait().await;
    }

    /// Commits a batch and answers each of its callers after its own commit.
    async fn settle(&mut self, mut lot: Lot) -> Batch {
        for one in lot.part_with_gone(Instant::now()) {
            self.part_with(one);
        }
        // Nothing sent says nothing of Postgres.
        if !lot.deliveries.is_empty() {
            let results = self.commit(&mut lot.deliveries, &lot.batch).await;
            self.room = room_after(self.room, &results);
            self.pulse.settle(results.len(), lot.events);
            let (callers, read) = (lot.callers, lot.deliveries);
            self.telling.spawn(async move {
                tell(callers, results);
                drop(read);
            });
        }
        lot.batch
    }

    /// A caller whose patience ended was told to come again: what it brought is not committed.
    fn part_with(&self, one: Waiting) {
        self.pulse.settle(1, one.delivery.events.len());
        one.caller.settle(Err(Failure::StoreUnavailable));
    }

    /// Commits `deliveries`, of which `batch` is made: in halves where Postgres refuses them, and the
    /// one that it refuses without its events.
    async fn commit(&mut self, deliveries: &mut [Delivery], batch: &Batch) -> Vec<Settled> {
        let count = deliveries.len();
        match (self.link.send(batch).await, deliveries) {
            (Ok(committed), _) => committed.into_iter().map(Ok).collect(),
            (Err(Denied::Refused(error)), [alone]) => {
                let refused = strip(alone, &error);
                let results = self.commit_part(std::slice::from_mut(alone)).await;
                let kept = results.iter().all(Result::is_ok);
                kept.then(|| refused.emit());
                results
            }
            (Err(Denied::Refused(_)), several @ [_, _, ..]) => {
                let (first, second) = several.split_at_mut(count / 2);
                let mut results = self.commit_part(first).await;
                results.extend(self.commit_part(second).await);
                results
            }
            (Err(_), _) => vec![Err(Failure::StoreUnavailable); count],
        }
    }

    async fn commit_part(&mut self, deliveries: &mut [Delivery]) -> Vec<Settled> {
        let batch = Batch::of(deliveries);
        Box::pin(self.commit(deliveries, &batch)).await
    }
}

/// Answers the callers of a batch, in a task of its own: the next batch is on its way to Postgres
/// before they are.
fn tell(callers: Vec<Box<dyn Caller>>, results: Vec<Settled>) {
    for (caller, result) in callers.into_iter().zip(results) {
        caller.settle(result);
    }
}

/// Half as many as failed, or twice as many as before.
fn room_after(room: usize, results: &[Settled]) -> usize {
    match results.iter().filter(|result| result.is_err()).count() {
        0 => BATCH.min(room * 2),
        failed => (failed / 2).max(1),
    }
}

/// What Postgres refuses is kept byte for byte, without the events it refuses.
fn strip(delivery: &mut Delivery, error: &Error) -> EventsRefused {
    let events = delivery.events.len();
    delivery.events.clear();
    delivery.object = None;
    delivery.problem = Some(Problem::Refused);
    let cause = error.cause();
    EventsRefused { events, cause }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ingest::queue::{queue, tests::waiting},
        store::Committed,
    };

    #[tokio::test]
    async fn a_batch_that_nobody_waits_for_says_nothing_of_postgres() {
        let nowhere = crate::store::options("postgres:///nobody?host=/nowhere").unwrap();
        let pulse = Pulse::default();
        let link = Link::new(nowhere, pulse.clone());
        let (entrance, exit) = queue();
        let mut committer = Committer::new(exit, link, pulse);
        committer.room = 1;
        entrance.push(waiting(1)).unwrap_or_else(|_| unreachable!());
        let lot = committer.queue.next(1, Batch::default()).await.unwrap();
        committer.settle(lot).await;
        assert_eq!(committer.room, 1);
    }

    #[test]
    fn after_a_failure_batches_get_smaller_and_after_successes_larger_again() {
        let failed = |count| vec![Err(Failure::StoreUnavailable); count];
        let stored = |count| vec![Ok(Committed::default()); count];
        assert_eq!(room_after(BATCH, &failed(40)), 20);
        assert_eq!(room_after(20, &failed(1)), 1);
        assert_eq!(room_after(1, &stored(1)), 2);
        assert_eq!(room_after(BATCH, &stored(2)), BATCH);
    }
}
