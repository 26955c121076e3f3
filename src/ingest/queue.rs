//! What waits for its commit: in order, bounded, and as much of it as one commit takes laid out
//! already, so that the next batch is ready when the one before it is back.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use tokio::sync::Notify;

use super::{Caller, Failure};
use crate::store::{Batch, Delivery};

/// How many deliveries may wait for a commit; one more is told to come again.
const LENGTH: usize = 4096;

/// The most deliveries of one commit.
pub(super) const BATCH: usize = 500;

/// The most events of one commit, unless a single delivery holds more.
const BATCH_EVENTS: usize = 2_000;

/// The most bytes of bodies of one commit, unless a single one is larger.
const BATCH_BYTES: usize = 8 << 20;

/// A delivery that waits for its commit.
pub(super) struct Waiting {
    pub(super) delivery: Delivery,
    pub(super) caller: Box<dyn Caller>,
    /// Since when.
    pub(super) since: Instant,
}

/// What one commit takes.
#[derive(Default)]
pub(super) struct Lot {
    pub(super) deliveries: Vec<Delivery>,
    pub(super) callers: Vec<Box<dyn Caller>>,
    /// Since when each of them waits, the longest first.
    pub(super) since: Vec<Instant>,
    pub(super) batch: Batch,
    /// How many events they have together.
    pub(super) events: usize,
    bytes: usize,
}

impl Lot {
    /// Whether `one` finds its place among so many deliveries; where there is none yet, always.
    fn takes(&self, one: &Waiting, room: usize) -> bool {
        let events = self.events + one.delivery.events.len();
        let bytes = self.bytes + one.delivery.body.len();
        let count = self.deliveries.len();
        count == 0 || count < room && events <= BATCH_EVENTS && bytes <= BATCH_BYTES
    }

    /// Adds `one`, laid out unless it is larger than a commit otherwise is: then it stays alone.
    fn add(&mut self, one: Waiting) {
        self.events += one.delivery.events.len();
        self.bytes += one.delivery.body.len();
        if !self.is_oversized() {
            self.batch.add(&one.delivery);
        }
        self.deliveries.push(one.delivery);
        self.callers.push(one.caller);
        self.since.push(one.since);
    }

    fn is_oversized(&self) -> bool {
        self.events > BATCH_EVENTS || self.bytes > BATCH_BYTES
    }

    /// Lays out the one that was too large to be laid out while others wait to queue.
    fn complete(&mut self) {
        if self.is_oversized() {
            self.deliveries.iter().for_each(|one| self.batch.add(one));
        }
    }

    /// Takes out those whose caller was told to come again, and so needs no commit, and those that
    /// have waited since before `late`.
    pub(super) fn part_with_late(&mut self, now: Instant, late: Option<Instant>) -> Vec<Waiting> {
        let in_time = |since: Instant| late.is_none_or(|late| since >= late);
        let waits = |caller: &dyn Caller| caller.is_waiting(now);
        if self.since.first().is_none_or(|first| in_time(*first))
            && self.callers.iter().all(|caller| waits(&**caller))
        {
            return Vec::new();
        }
        let (here, others) = self
            .empty()
            .partition(|one: &Waiting| waits(&*one.caller) && in_time(one.since));
        Vec::into_iter(here).for_each(|one| self.add(one));
        others
    }

    /// Takes all out.
    fn empty(&mut self) -> impl Iterator<Item = Waiting> + use<> {
        let mut all = std::mem::take(self);
        all.batch.clear();
        self.batch = std::mem::take(&mut all.batch);
        all.into_waiting()
    }

    /// Each of them.
    pub(super) fn into_waiting(self) -> impl Iterator<Item = Waiting> {
        let callers = self.callers.into_iter().zip(self.since);
        let all = self.deliveries.into_iter().zip(callers);
        all.map(|(delivery, (caller, since))| Waiting {
            delivery,
            caller,
            since,
        })
    }
}

/// What lies between those who queue and the one who commits.
#[derive(Default)]
struct Queue {
    line: Mutex<Line>,
    /// Woken by the first that comes, and by the end.
    something: Notify,
}

#[derive(Default)]
struct Line {
    /// The next commit.
    lot: Lot,
    /// Those behind it.
    rest: VecDeque<Waiting>,
    /// How many deliveries the next commit may have.
    room: usize,
    /// Nobody can come any more.
    closed: bool,
    /// Nobody commits any more.
    ended: bool,
}

impl Line {
    fn fill(&mut self) {
        while let Some(one) = self.rest.pop_front_if(|one| self.lot.takes(one, self.room)) {
            self.lot.add(one);
        }
    }

    /// Sees that the next commit has no more than `room` deliveries.
    fn keep_to(&mut self, room: usize) {
        self.room = room;
        if self.lot.deliveries.len() > room {
            let mut all: VecDeque<_> = self.lot.empty().collect();
            all.append(&mut self.rest);
            self.rest = all;
        }
        self.fill();
    }

    /// The next commit; the one after it is laid out in what `spare` held, once this one is on its
    /// way.
    fn take(&mut self, room: usize, spare: &mut Batch) -> Option<Lot> {
        self.keep_to(room);
        if self.lot.deliveries.is_empty() {
            return None;
        }
        let next = Lot {
            batch: std::mem::take(spare),
            ..Lot::default()
        };
        Some(std::mem::replace(&mut self.lot, next))
    }
}

impl Queue {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Queue")
    }
}

/// A queue: where deliveries come in, and where they are taken to be committed.
pub(super) fn queue() -> (Entrance, Exit) {
    let queue = Arc::new(Queue::default());
    queue.line().room = BATCH;
    (Entrance(Arc::clone(&queue)), Exit(queue))
}

/// Where deliveries come in; once it is gone, what waits is the last.
#[derive(Debug)]
pub(super) struct Entrance(Arc<Queue>);

impl Entrance {
    /// Queues `one`.
    ///
    /// # Errors
    /// Gives it back, with why it cannot wait here.
    pub(super) fn push(&self, one: Waiting) -> Result<(), Box<(Waiting, Failure)>> {
        let mut line = self.0.line();
        if line.ended {
            return Err(Box::new((one, Failure::Stopping)));
        }
        if line.lot.deliveries.len() + line.rest.len() >= LENGTH {
            return Err(Box::new((one, Failure::QueueFull)));
        }
        let is_first = line.lot.deliveries.is_empty();
        line.rest.push_back(one);
        line.fill();
        drop(line);
        if is_first {
            self.0.something.notify_one();
        }
        Ok(())
    }
}

impl Drop for Entrance {
    fn drop(&mut self) {
        self.0.line().closed = true;
        self.0.something.notify_one();
    }
}

/// Where they are taken to be committed; once it is gone, so is what waits.
#[derive(Debug)]
pub(super) struct Exit(Arc<Queue>);

impl Exit {
    /// Waits for the next commit, of at most `room` deliveries; `None` after the last. What follows
    /// is laid out in `spare`, which is empty.
    pub(super) async fn next(&self, room: usize, mut spare: Batch) -> Option<Lot> {
        loop {
            let something = self.0.something.notified();
            let (taken, closed) = {
                let mut line = self.0.line();
                (line.take(room, &mut spare), line.closed)
            };
            if let Some(mut lot) = taken {
                lot.complete();
                return Some(lot);
            }
            if closed {
                return None;
            }
            something.await;
        }
    }
}

impl Drop for Exit {
    fn drop(&mut self) {
        let mut line = self.0.line();
        line.ended = true;
        let left = (line.lot.empty(), std::mem::take(&mut line.rest));
        drop(line);
        drop(left);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use bytes::Bytes;
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::{ingest::Settled, meta::event::Source};

    struct Nobody;

    impl Caller for Nobody {
        fn is_waiting(&self, _: Instant) -> bool {
            false
        }

        fn has_a_copy(&self) -> bool {
            false
        }

        fn settle(self: Box<Self>, _: Settled) {}
    }

    /// A delivery with so many bytes, for which nobody waits.
    pub(in crate::ingest) fn waiting(bytes: usize) -> Waiting {
        let delivery = Delivery {
            id: Uuid::now_v7(),
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
        Waiting {
            delivery,
            caller: Box::new(Nobody),
            since: Instant::now(),
        }
    }

    /// How many deliveries of these sizes each commit takes.
    fn lots(room: usize, sizes: impl IntoIterator<Item = usize>) -> Vec<usize> {
        let mut line = Line::default();
        for size in sizes {
            line.rest.push_back(waiting(size));
        }
        let mut next = || line.take(room, &mut Batch::default());
        std::iter::from_fn(|| next().map(|lot| lot.deliveries.len())).collect()
    }

    #[test]
    fn a_commit_is_bounded_in_deliveries_and_bytes_and_never_empty() {
        assert_eq!(lots(BATCH, [1; 10]), [10]);
        assert_eq!(lots(3, [1; 10]), [3, 3, 3, 1]);
        let half = BATCH_BYTES / 2;
        assert_eq!(lots(BATCH, [half, half, 1]), [2, 1]);
        assert_eq!(lots(BATCH, [BATCH_BYTES + 1, 1]), [1, 1]);
    }

    #[tokio::test]
    async fn nobody_waits_to_queue_while_an_oversized_one_is_laid_out() {
        for (bytes, at_once) in [(1, true), (BATCH_BYTES + 1, false)] {
            let (entrance, exit) = queue();
            entrance
                .push(waiting(bytes))
                .unwrap_or_else(|_| unreachable!());
            let is_laid_out = |lot: &Lot| lot.batch.can_give_way();
            assert_eq!(is_laid_out(&entrance.0.line().lot), at_once);
            let lot = exit.next(BATCH, Batch::default()).await.unwrap();
            assert!(is_laid_out(&lot), "it is when it is taken");
        }
    }

    #[tokio::test]
    async fn order_stays_whatever_room_there_is() {
        let (entrance, exit) = queue();
        for bytes in 1..=20 {
            entrance
                .push(waiting(bytes))
                .unwrap_or_else(|_| unreachable!());
        }
        drop(entrance);
        let mut sizes = Vec::new();
        for room in [2, 1, 7, 5, 30] {
            let lot = exit.next(room, Batch::default()).await.unwrap();
            assert!(lot.deliveries.len() <= room);
            sizes.extend(lot.deliveries.iter().map(|delivery| delivery.body.len()));
        }
        assert!(sizes.into_iter().eq(1..=20));
        assert!(
            exit.next(1, Batch::default()).await.is_none(),
            "it is closed"
        );
    }

    #[test]
    fn one_too_many_comes_back_and_so_does_one_that_nobody_would_commit() {
        let (entrance, exit) = queue();
        for _ in 0..LENGTH {
            entrance.push(waiting(1)).unwrap_or_else(|_| unreachable!());
        }
        let refused = |entrance: &Entrance| entrance.push(waiting(1)).err().map(|back| back.1);
        assert_eq!(refused(&entrance), Some(Failure::QueueFull));
        drop(exit);
        assert_eq!(refused(&entrance), Some(Failure::Stopping));
    }
}
