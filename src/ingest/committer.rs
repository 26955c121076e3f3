//! Committer: the task that commits queued deliveries together and answers each caller.
//!
//! A batch does not wait to fill up: the next batch gathers while a commit is on its way. A batch
//! that Postgres refuses is split until the refused delivery stands alone. That delivery is stored
//! without its events, and the others are stored as usual. After any other failure the next batches
//! are smaller, and grow again as they succeed: so a delivery that makes Postgres hang or crash is
//! soon alone in its batch. A delivery that failed, or waited too long for its turn, falls back to
//! the spool.

use std::{
    pin::pin,
    time::{Duration, Instant},
};

use super::{
    CircuitBreaker, Durable, Failure, Waiting, WriterProgress,
    fallback::SpoolFallback,
    pending::PendingBatch,
    queue::{BATCH, QueueReceiver},
    session::{DEADLINE, Denied, PgSession},
};
use crate::{
    meta::event::Problem,
    store::{Batch, Commits, Committed, Delivery, Error, wake::Wakes},
    telemetry::{EventsRefused, LogEvent},
};

/// Minimum time left before the deadline for starting a commit. With less time the delivery goes to
/// the spool, which is quicker: a commit that is given up costs the session.
const LEAST: Duration = Duration::from_millis(250);

/// Result of each delivery of a batch.
type Results = Vec<Result<Committed, Failure>>;

/// The task behind a [`Writer`](super::Writer): runs until every handle of it is dropped.
#[derive(Debug)]
pub struct Committer {
    queue: QueueReceiver,
    session: PgSession,
    breaker: CircuitBreaker,
    progress: WriterProgress,
    fallback: SpoolFallback,
    wakes: Wakes,
    /// Maximum number of deliveries in the next batch.
    room: usize,
}

impl Committer {
    /// A committer for the deliveries in `queue`.
    pub(super) fn new(
        queue: QueueReceiver,
        session: PgSession,
        (breaker, progress): (CircuitBreaker, WriterProgress),
        fallback: SpoolFallback,
    ) -> Self {
        Self {
            queue,
            session,
            breaker,
            progress,
            fallback,
            wakes: Wakes::default(),
            room: BATCH,
        }
    }

    /// Sets the durability of the commits.
    #[must_use]
    pub fn with_durability(mut self, commits: Commits) -> Self {
        self.session.set_commits(commits);
        self
    }

    /// Reports each commit to `wakes`.
    #[must_use]
    pub fn with_wakes(mut self, wakes: Wakes) -> Self {
        self.wakes = wakes;
        self
    }

    /// Commits batch after batch, until all handles of the writer are dropped and every caller has
    /// an answer.
    pub async fn run(mut self) {
        let mut spare = Batch::default();
        while let Some(pending) = self.queue.next(self.room, spare).await {
            spare = self.settle(pending).await;
            spare.clear();
        }
        self.fallback.finish().await;
    }

    /// Takes all waiting deliveries without a commit; `None` after the last. For tests and
    /// benchmarks of the listener, which have no database.
    pub async fn take(&mut self) -> Option<Vec<Waiting>> {
        let taken = self.queue.all().await?;
        let events = taken.iter().map(|one| one.delivery.events.len()).sum();
        self.progress.settle(taken.len(), events);
        Some(taken)
    }

    /// Commits a batch and answers its callers.
    async fn settle(&mut self, mut pending: PendingBatch) -> Batch {
        let now = Instant::now();
        for one in pending.part_with_late(now, self.late(now)) {
            fall_back(one, &self.progress, &self.fallback);
        }
        let batch = std::mem::take(&mut pending.batch);
        // An empty batch tells us nothing about Postgres.
        if let Some(first) = pending.since.first() {
            let until = self.began(now, *first) + DEADLINE;
            let results = self.commit(&mut pending.deliveries, &batch, until).await;
            if results.iter().any(Result::is_ok) {
                self.wakes.committed();
            }
            self.room = room_after(self.room, &results);
            self.progress.settle(results.len(), pending.events);
            let fallback = self.fallback.clone();
            self.fallback
                .spawn(async move { answer(pending, results, &fallback) });
        }
        batch
    }

    /// Start of a batch's deadline. With a spool it is the time of queueing. Without a spool it is
    /// the time of sending, so that each batch gets the whole deadline.
    fn began(&self, now: Instant, waits_since: Instant) -> Instant {
        if self.fallback.exists() {
            waits_since
        } else {
            now
        }
    }

    /// Deliveries queued before this time are too late for a commit.
    fn late(&self, now: Instant) -> Option<Instant> {
        let late = now.checked_sub(DEADLINE.saturating_sub(LEAST));
        late.filter(|_| self.fallback.exists())
    }

    /// Commits `deliveries`, the content of `batch`. If the commit is a probe and there is a spool,
    /// deliveries that queue meanwhile go to the spool and do not wait for the result.
    async fn commit(
        &mut self,
        deliveries: &mut [Delivery],
        batch: &Batch,
        until: Instant,
    ) -> Results {
        let is_probe = self.breaker.is_probing() && self.fallback.exists();
        let mut results = pin!(commit(&mut self.session, deliveries, batch, until));
        loop {
            tokio::select! {
                biased;
                results = &mut results => return results,
                Some(others) = self.queue.next(BATCH, Batch::default()), if is_probe => {
                    for one in others.into_waiting() {
                        fall_back(one, &self.progress, &self.fallback);
                    }
                }
            }
        }
    }
}

/// Hands an uncommitted delivery to the spool: the delivery came during a probe, waited too long,
/// or its caller was already answered.
fn fall_back(one: Waiting, progress: &WriterProgress, fallback: &SpoolFallback) {
    progress.settle(1, one.delivery.events.len());
    fallback.take(one, Failure::StoreUnavailable);
}

/// Sends `deliveries`, the content of `batch`. If Postgres refuses the batch, sends each half; a
/// single refused delivery is sent without its events. A commit without answer at `until` fails.
async fn commit(
    session: &mut PgSession,
    deliveries: &mut [Delivery],
    batch: &Batch,
    until: Instant,
) -> Results {
    let count = deliveries.len();
    match (session.send(batch, until).await, deliveries) {
        (Ok(committed), _) => committed.into_iter().map(Ok).collect(),
        (Err(Denied::Refused(error)), [alone]) => {
            let refused = strip(alone, &error);
            let results = commit_part(session, std::slice::from_mut(alone), until).await;
            let kept = results.iter().all(Result::is_ok);
            kept.then(|| refused.emit());
            results
        }
        (Err(Denied::Refused(_)), several @ [_, _, ..]) => {
            let (first, second) = several.split_at_mut(count / 2);
            let mut results = commit_part(session, first, until).await;
            results.extend(commit_part(session, second, until).await);
            results
        }
        (Err(_), _) => vec![Err(Failure::StoreUnavailable); count],
    }
}

async fn commit_part(
    session: &mut PgSession,
    deliveries: &mut [Delivery],
    until: Instant,
) -> Results {
    let batch = Batch::of(deliveries);
    Box::pin(commit(session, deliveries, &batch, until)).await
}

/// Answers the callers of a batch, in a task of its own, while the next batch is on its way to
/// Postgres. Deliveries that were not committed fall back to the spool. Committed deliveries are
/// freed after all callers have their answer, since freeing takes longer than answering.
fn answer(pending: PendingBatch, results: Results, fallback: &SpoolFallback) {
    if results.iter().all(Result::is_ok) {
        let kept = results
            .into_iter()
            .map(|result| result.map(Durable::Stored));
        return pending
            .callers
            .into_iter()
            .zip(kept)
            .for_each(|(caller, settled)| caller.settle(settled));
    }
    for (one, result) in pending.into_waiting().zip(results) {
        match result {
            Ok(committed) => one.caller.settle(Ok(Durable::Stored(committed))),
            Err(failure) => fallback.take(one, failure),
        }
    }
}

/// Maximum size of the next batch: half of the number that failed, or twice the size before.
fn room_after(room: usize, results: &[Result<Committed, Failure>]) -> usize {
    match results.iter().filter(|result| result.is_err()).count() {
        0 => BATCH.min(room * 2),
        failed => (failed / 2).max(1),
    }
}

/// Removes the events that Postgres refuses. The body of the delivery stays.
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
        Writer,
        queue::tests::{nowhere, waiting},
    };

    #[tokio::test]
    async fn a_batch_that_nobody_waits_for_tells_nothing_about_postgres() {
        let (writer, mut committer) = Writer::new(nowhere(), None);
        committer.room = 1;
        writer
            .queue
            .push(waiting(1))
            .unwrap_or_else(|_| unreachable!());
        let pending = committer.queue.next(1, Batch::default()).await.unwrap();
        committer.settle(pending).await;
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
