//! Queue of deliveries waiting for their commit, in order and bounded. The columns of the next
//! batch are filled while deliveries queue, so that the batch is ready when the commit before it
//! ends.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use super::{Failure, Waiting, pending::PendingBatch};
use crate::store::Batch;

/// Maximum number of waiting deliveries. A further delivery is refused.
const LENGTH: usize = 4096;

/// Maximum number of deliveries in one commit.
pub(super) const BATCH: usize = 500;

/// Queue shared by producers and the committer.
#[derive(Default)]
struct Queue {
    state: Mutex<QueueState>,
    /// Notified when the queue is no longer empty, and when it closes.
    something: Notify,
}

#[derive(Default)]
struct QueueState {
    /// The next batch.
    pending: PendingBatch,
    /// Deliveries after the next batch.
    rest: VecDeque<Waiting>,
    /// Maximum number of deliveries in the next batch; 0 if deliveries are only taken, never
    /// committed.
    room: usize,
    /// True if all writers were dropped.
    closed: bool,
    /// True if the committer was dropped.
    ended: bool,
}

impl QueueState {
    fn fill(&mut self) {
        while let Some(one) = self
            .rest
            .pop_front_if(|one| self.pending.takes(one, self.room))
        {
            self.pending.add(one);
        }
    }

    /// Limits the next batch to `room` deliveries.
    fn keep_to(&mut self, room: usize) {
        self.room = room;
        if self.pending.deliveries.len() > room {
            let mut all: VecDeque<_> = self.pending.empty().collect();
            all.append(&mut self.rest);
            self.rest = all;
        }
        self.fill();
    }

    /// Takes the next batch. The batch after it uses the memory of `spare`.
    fn take(&mut self, room: usize, spare: &mut Batch) -> Option<PendingBatch> {
        self.keep_to(room);
        if self.pending.deliveries.is_empty() {
            return None;
        }
        let next = PendingBatch::on(std::mem::take(spare));
        Some(std::mem::replace(&mut self.pending, next))
    }

    /// Takes all waiting deliveries, and stops filling batches.
    fn take_all(&mut self) -> Option<Vec<Waiting>> {
        self.keep_to(0);
        (!self.rest.is_empty()).then(|| self.rest.drain(..).collect())
    }
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Queue")
    }
}

/// Creates a queue and returns its two ends.
pub(super) fn queue() -> (QueueSender, QueueReceiver) {
    let queue = Arc::new(Queue::default());
    queue.state().room = BATCH;
    (QueueSender(Arc::clone(&queue)), QueueReceiver(queue))
}

/// Producers' end of the queue. Dropping it closes the queue.
#[derive(Debug)]
pub(super) struct QueueSender(Arc<Queue>);

impl QueueSender {
    /// Queues `one`.
    ///
    /// # Errors
    /// If the queue is full or the committer is gone. The error returns the delivery and the
    /// reason.
    pub(super) fn push(&self, one: Waiting) -> Result<(), Box<(Waiting, Failure)>> {
        let mut state = self.0.state();
        if state.ended {
            return Err(Box::new((one, Failure::Stopping)));
        }
        if state.pending.deliveries.len() + state.rest.len() >= LENGTH {
            return Err(Box::new((one, Failure::QueueFull)));
        }
        let is_first = state.pending.deliveries.is_empty();
        state.rest.push_back(one);
        state.fill();
        drop(state);
        if is_first {
            self.0.something.notify_one();
        }
        Ok(())
    }
}

impl Drop for QueueSender {
    fn drop(&mut self) {
        self.0.state().closed = true;
        self.0.something.notify_one();
    }
}

/// Committer's end of the queue. Dropping it frees the waiting deliveries.
#[derive(Debug)]
pub(super) struct QueueReceiver(Arc<Queue>);

impl QueueReceiver {
    /// Waits for the next batch of at most `room` deliveries; `None` after the last. The batch
    /// after it uses `spare`, which is empty.
    pub(super) async fn next(&self, room: usize, mut spare: Batch) -> Option<PendingBatch> {
        let mut pending = self.wait_for(|state| state.take(room, &mut spare)).await?;
        pending.complete();
        Some(pending)
    }

    /// Waits for deliveries and takes all of them; `None` after the last.
    pub(super) async fn all(&self) -> Option<Vec<Waiting>> {
        self.wait_for(QueueState::take_all).await
    }

    async fn wait_for<T>(&self, mut take: impl FnMut(&mut QueueState) -> Option<T>) -> Option<T> {
        loop {
            let something = self.0.something.notified();
            let (taken, closed) = {
                let mut state = self.0.state();
                (take(&mut state), state.closed)
            };
            if taken.is_some() || closed {
                return taken;
            }
            something.await;
        }
    }
}

impl Drop for QueueReceiver {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.ended = true;
        let left = (state.pending.empty(), std::mem::take(&mut state.rest));
        drop(state);
        drop(left);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Instant;

    use bytes::Bytes;
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::{
        envelope::Envelope,
        ingest::{Caller, Settled, pending::BATCH_BYTES},
        meta::event::Source,
        store::{self, ConnectOptions, Delivery},
    };

    struct NoCaller;

    impl Caller for NoCaller {
        fn is_waiting(&self, _: Instant) -> bool {
            false
        }

        fn has_a_copy(&self) -> bool {
            false
        }

        fn settle(self: Box<Self>, _: Settled) {}
    }

    /// Address of a database that does not exist.
    pub(in crate::ingest) fn nowhere() -> ConnectOptions {
        store::options("postgres:///nobody?host=/nowhere").unwrap()
    }

    /// A delivery with a body of `bytes` bytes, without a waiting caller.
    pub(in crate::ingest) fn waiting(bytes: usize) -> Waiting {
        let delivery = Delivery {
            envelope: Envelope {
                id: Uuid::now_v7(),
                received_at: Timestamp::UNIX_EPOCH,
                app: "default".into(),
                headers: String::new(),
                remote_addr: None,
            },
            object: None,
            body: Bytes::from(vec![b' '; bytes]),
            secret: "app".into(),
            problem: None,
            source: Source::Live,
            event_count: 0,
            events: Vec::new(),
        };
        Waiting {
            delivery,
            caller: Box::new(NoCaller),
            since: Instant::now(),
        }
    }

    /// Number of deliveries in each batch, for deliveries of these sizes.
    fn batch_sizes(room: usize, sizes: impl IntoIterator<Item = usize>) -> Vec<usize> {
        let mut state = QueueState::default();
        for size in sizes {
            state.rest.push_back(waiting(size));
        }
        let mut next = || state.take(room, &mut Batch::default());
        std::iter::from_fn(|| next().map(|pending| pending.deliveries.len())).collect()
    }

    #[test]
    fn a_commit_is_bounded_in_deliveries_and_bytes_and_never_empty() {
        assert_eq!(batch_sizes(BATCH, [1; 10]), [10]);
        assert_eq!(batch_sizes(3, [1; 10]), [3, 3, 3, 1]);
        let half = BATCH_BYTES / 2;
        assert_eq!(batch_sizes(BATCH, [half, half, 1]), [2, 1]);
        assert_eq!(batch_sizes(BATCH, [BATCH_BYTES + 1, 1]), [1, 1]);
    }

    #[tokio::test]
    async fn nobody_waits_to_queue_while_an_oversized_one_is_laid_out() {
        for (bytes, at_once) in [(1, true), (BATCH_BYTES + 1, false)] {
            let (sender, receiver) = queue();
            sender
                .push(waiting(bytes))
                .unwrap_or_else(|_| unreachable!());
            let is_laid_out = |pending: &PendingBatch| pending.batch.can_give_way();
            assert_eq!(is_laid_out(&sender.0.state().pending), at_once);
            let pending = receiver.next(BATCH, Batch::default()).await.unwrap();
            assert!(is_laid_out(&pending), "it is when it is taken");
        }
    }

    #[tokio::test]
    async fn order_stays_whatever_room_there_is() {
        let (sender, receiver) = queue();
        for bytes in 1..=20 {
            sender
                .push(waiting(bytes))
                .unwrap_or_else(|_| unreachable!());
        }
        drop(sender);
        let mut sizes = Vec::new();
        for room in [2, 1, 7, 5, 30] {
            let pending = receiver.next(room, Batch::default()).await.unwrap();
            assert!(pending.deliveries.len() <= room);
            sizes.extend(
                pending
                    .deliveries
                    .iter()
                    .map(|delivery| delivery.body.len()),
            );
        }
        assert!(sizes.into_iter().eq(1..=20));
        assert!(
            receiver.next(1, Batch::default()).await.is_none(),
            "it is closed"
        );
    }

    #[tokio::test]
    async fn what_is_taken_without_a_commit_is_never_laid_out() {
        let (sender, receiver) = queue();
        for expected in [2, 3] {
            for _ in 0..expected {
                sender.push(waiting(1)).unwrap_or_else(|_| unreachable!());
            }
            assert_eq!(receiver.all().await.unwrap().len(), expected);
        }
        sender.push(waiting(1)).unwrap_or_else(|_| unreachable!());
        assert!(!sender.0.state().pending.batch.can_give_way());
        drop(sender);
        assert_eq!(receiver.all().await.unwrap().len(), 1);
        assert!(receiver.all().await.is_none(), "it is closed");
    }

    #[test]
    fn one_too_many_comes_back_and_so_does_one_that_nobody_would_commit() {
        let (sender, receiver) = queue();
        for _ in 0..LENGTH {
            sender.push(waiting(1)).unwrap_or_else(|_| unreachable!());
        }
        let refused = |sender: &QueueSender| sender.push(waiting(1)).err().map(|back| back.1);
        assert_eq!(refused(&sender), Some(Failure::QueueFull));
        drop(receiver);
        assert_eq!(refused(&sender), Some(Failure::Stopping));
    }
}
