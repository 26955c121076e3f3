//! The one task that commits: whatever has queued, together, then answers each.
//!
//! Nothing waits for a batch to fill: while one commit is on its way the next batch gathers by
//! itself. A batch that Postgres refuses is split until the delivery that it refuses stands alone;
//! that one is kept without its events, and its neighbours never notice. After a batch that failed
//! otherwise the next ones are smaller, and grow again as they succeed: what one delivery does to
//! Postgres, be it to hang or to fall over, it soon does to no neighbour. What failed so, or waited
//! too long for its turn, goes into the spool.

use std::time::{Duration, Instant};

use super::{
    Failure, Kept, Pulse,
    detour::Detour,
    link::{DEADLINE, Denied, Link},
    queue::{BATCH, Exit, Lot, Waiting},
};
use crate::{
    meta::event::Problem,
    store::{Batch, Commits, Committed, Delivery, Error},
    telemetry::{EventsRefused, Happening},
};

/// With less than this left of the deadline a commit is not begun: the spool is quicker, and a
/// commit that is given up costs the session.
const LEAST: Duration = Duration::from_millis(250);

/// What became of each delivery of a batch.
type Results = Vec<Result<Committed, Failure>>;

/// The task behind a [`Writer`](super::Writer): runs until every handle of it is dropped.
#[derive(Debug)]
pub struct Committer {
    queue: Exit,
    link: Link,
    pulse: Pulse,
    detour: Detour,
    /// How many deliveries the next batch may have.
    room: usize,
}

impl Committer {
    /// A committer of what comes through `queue`, over `link`, or else by `detour`.
    pub(super) fn new(queue: Exit, link: Link, pulse: Pulse, detour: Detour) -> Self {
        Self {
            queue,
            link,
            pulse,
            detour,
            room: BATCH,
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
        self.detour.finish().await;
    }

    /// Commits a batch and answers each of its callers after its own commit.
    async fn settle(&mut self, mut lot: Lot) -> Batch {
        let now = Instant::now();
        for one in lot.part_with_late(now, self.late(now)) {
            self.part_with(one);
        }
        let batch = std::mem::take(&mut lot.batch);
        // Nothing sent says nothing of Postgres.
        if let Some(first) = lot.since.first() {
            let until = self.began(now, *first) + DEADLINE;
            let results = self.commit(&mut lot.deliveries, &batch, until).await;
            self.room = room_after(self.room, &results);
            self.pulse.settle(results.len(), lot.events);
            let detour = self.detour.clone();
            self.detour
                .spawn(async move { tell(lot, results, &detour) });
        }
        batch
    }

    /// From when on the deadline of a batch counts: without a spool the whole of it is tried, for
    /// there is nowhere else to go.
    fn began(&self, now: Instant, waits_since: Instant) -> Instant {
        if self.detour.exists() {
            waits_since
        } else {
            now
        }
    }

    /// Before which moment a delivery has queued that waited too long for a commit to be begun.
    fn late(&self, now: Instant) -> Option<Instant> {
        let late = now.checked_sub(DEADLINE.saturating_sub(LEAST));
        late.filter(|_| self.detour.exists())
    }

    /// What waited too long, or brought a caller whose patience ended, is not committed.
    fn part_with(&self, one: Waiting) {
        self.pulse.settle(1, one.delivery.events.len());
        self.detour.take(one, Failure::StoreUnavailable);
    }

    /// Commits `deliveries`, of which `batch` is made: in halves where Postgres refuses them, and the
    /// one that it refuses without its events. What is not back at `until` is given up.
    async fn commit(
        &mut self,
        deliveries: &mut [Delivery],
        batch: &Batch,
        until: Instant,
    ) -> Results {
        let count = deliveries.len();
        match (self.link.send(batch, until).await, deliveries) {
            (Ok(committed), _) => committed.into_iter().map(Ok).collect(),
            (Err(Denied::Refused(error)), [alone]) => {
                let refused = strip(alone, &error);
                let results = self.commit_part(std::slice::from_mut(alone), until).await;
                let kept = results.iter().all(Result::is_ok);
                kept.then(|| refused.emit());
                results
            }
            (Err(Denied::Refused(_)), several @ [_, _, ..]) => {
                let (first, second) = several.split_at_mut(count / 2);
                let mut results = self.commit_part(first, until).await;
                results.extend(self.commit_part(second, until).await);
                results
            }
            (Err(_), _) => vec![Err(Failure::StoreUnavailable); count],
        }
    }

    async fn commit_part(&mut self, deliveries: &mut [Delivery], until: Instant) -> Results {
        let batch = Batch::of(deliveries);
        Box::pin(self.commit(deliveries, &batch, until)).await
    }
}

/// Answers the callers of a batch, in a task of its own: the next batch is on its way to Postgres
/// before they are. What was not committed makes its detour. What was is let go of when all have
/// their answer: that takes longer than the answers do.
fn tell(lot: Lot, results: Results, detour: &Detour) {
    if results.iter().all(Result::is_ok) {
        let kept = results.into_iter().map(|result| result.map(Kept::Stored));
        return lot
            .callers
            .into_iter()
            .zip(kept)
            .for_each(|(caller, settled)| caller.settle(settled));
    }
    for (one, result) in lot.into_waiting().zip(results) {
        match result {
            Ok(committed) => one.caller.settle(Ok(Kept::Stored(committed))),
            Err(failure) => detour.take(one, failure),
        }
    }
}

/// Half as many as failed, or twice as many as before.
fn room_after(room: usize, results: &[Result<Committed, Failure>]) -> usize {
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
    use crate::ingest::{
        Gate,
        queue::{queue, tests::waiting},
    };

    #[tokio::test]
    async fn a_batch_that_nobody_waits_for_says_nothing_of_postgres() {
        let nowhere = crate::store::options("postgres:///nobody?host=/nowhere").unwrap();
        let pulse = Pulse::default();
        let link = Link::new(nowhere, pulse.clone(), Gate::default());
        let (entrance, exit) = queue();
        let mut committer = Committer::new(exit, link, pulse, Detour::new(None));
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
