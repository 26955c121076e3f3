//! The one task that commits: whatever has queued, together, then answers each.
//!
//! Nothing waits for a batch to fill: while one commit is on its way the next batch gathers by
//! itself. A batch that Postgres refuses is split until the delivery that it refuses stands alone;
//! that one is kept without its events, and its neighbours never notice. After a batch that failed
//! otherwise the next ones are smaller, and grow again as they succeed: what one delivery does to
//! Postgres, be it to hang or to fall over, it soon does to no neighbour.

use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use super::{
    Caller, Failure, Pulse, Settled,
    link::{Denied, Link},
    writer::Waiting,
};
use crate::{
    meta::event::Problem,
    store::{Commits, Delivery, Error},
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
    telling: TaskTracker,
}

impl Committer {
    /// A committer of what comes through `queue`, over `link`.
    pub(super) fn new(queue: mpsc::Receiver<Waiting>, link: Link, pulse: Pulse) -> Self {
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
        let mut waiting = Vec::with_capacity(BATCH);
        while self.queue.recv_many(&mut waiting, BATCH).await > 0 {
            while !waiting.is_empty() {
                let batch = waiting.drain(..fitting(&waiting, self.room)).collect();
                self.settle(batch).await;
            }
        }
        self.telling.close();
        self.telling.wait().await;
    }

    /// Commits a batch and answers each of its callers after its own commit.
    async fn settle(&mut self, batch: Vec<Waiting>) {
        let count = batch.len();
        let events = batch.iter().map(|one| one.delivery.events.len()).sum();
        let (deliveries, callers): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .filter_map(still_waited_for)
            .map(|one| (one.delivery, one.caller))
            .unzip();
        // Nothing sent says nothing of Postgres.
        if !deliveries.is_empty() {
            let results = self.commit(deliveries).await;
            self.room = room_after(self.room, &results);
            self.telling.spawn(async move { tell(callers, results) });
        }
        self.pulse.settle(count, events);
    }

    /// Commits `deliveries`: in halves where Postgres refuses them, and the one that it refuses
    /// without its events.
    async fn commit(&mut self, mut deliveries: Vec<Delivery>) -> Vec<Settled> {
        let count = deliveries.len();
        match (self.link.send(&deliveries).await, &mut deliveries[..]) {
            (Ok(committed), _) => committed.into_iter().map(Ok).collect(),
            (Err(Denied::Refused(error)), [alone]) => {
                let refused = strip(alone, &error);
                let results = Box::pin(self.commit(deliveries)).await;
                let kept = results.iter().all(Result::is_ok);
                kept.then(|| refused.emit());
                results
            }
            (Err(Denied::Refused(_)), [_, _, ..]) => {
                let second = deliveries.split_off(count / 2);
                let mut results = Box::pin(self.commit(deliveries)).await;
                results.extend(Box::pin(self.commit(second)).await);
                results
            }
            (Err(_), _) => vec![Err(Failure::StoreUnavailable); count],
        }
    }
}

/// Answers the callers of a batch, in a task of its own: the next batch is on its way to Postgres
/// before they are.
fn tell(callers: Vec<Box<dyn Caller>>, results: Vec<Settled>) {
    for (caller, result) in callers.into_iter().zip(results) {
        caller.settle(result);
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
    use bytes::Bytes;
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::{ingest::Caller, meta::event::Source, store::Committed};

    fn waiting(bytes: usize) -> Waiting {
        let delivery = Delivery {
            id: Uuid::nil(),
            received_at: Timestamp::UNIX_EPOCH,
            app: "default".into(),
            object: None,
            body: Bytes::from(vec![b' '; bytes]),
            headers: String::new(),
            remote_addr: None,
            secret: "app".into(),
            problem: None,
            source: Source::Live,
            event_count: 0,
            events: Vec::new(),
        };
        let caller = Box::new(Nobody);
        Waiting { delivery, caller }
    }

    struct Nobody;

    impl Caller for Nobody {
        fn is_waiting(&self) -> bool {
            false
        }

        fn settle(self: Box<Self>, _: Settled) {}
    }

    #[test]
    fn a_batch_is_bounded_in_deliveries_and_bytes_and_never_empty() {
        let small: Vec<_> = (0..10).map(|_| waiting(1)).collect();
        assert_eq!(fitting(&small, BATCH), 10);
        assert_eq!(fitting(&small, 3), 3);
        let half = BATCH_BYTES / 2;
        let large = [half, half, 1].map(waiting);
        assert_eq!(fitting(&large, BATCH), 2);
        assert_eq!(fitting(&[BATCH_BYTES + 1, 1].map(waiting), BATCH), 1);
    }

    #[tokio::test]
    async fn a_batch_that_nobody_waits_for_says_nothing_of_postgres() {
        let nowhere = crate::store::options("postgres:///nobody?host=/nowhere").unwrap();
        let pulse = Pulse::default();
        let link = Link::new(nowhere, pulse.clone());
        let mut committer = Committer::new(mpsc::channel(1).1, link, pulse);
        committer.room = 1;
        committer.settle(vec![waiting(1)]).await;
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
