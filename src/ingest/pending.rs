//! Deliveries waiting for their commit, singly and as a batch.

use std::{fmt, time::Instant};

use super::Caller;
use crate::store::{Batch, Delivery};

/// Maximum events of one commit, unless a single delivery has more.
const BATCH_EVENTS: usize = 2_000;

/// Maximum bytes of bodies in one commit, unless a single body is larger.
pub(super) const BATCH_BYTES: usize = 8 << 20;

/// A delivery that waits for its commit.
pub struct Waiting {
    /// The delivery to commit.
    pub delivery: Delivery,
    /// Receiver of the result.
    pub caller: Box<dyn Caller>,
    /// Time of queueing.
    pub(super) since: Instant,
}

impl fmt::Debug for Waiting {
    /// Shows the envelope and hides the content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting")
            .field("envelope", &self.delivery.envelope)
            .finish_non_exhaustive()
    }
}

/// A batch: the deliveries of one commit.
#[derive(Default)]
pub(super) struct PendingBatch {
    pub(super) deliveries: Vec<Delivery>,
    pub(super) callers: Vec<Box<dyn Caller>>,
    /// Queueing time of each delivery, oldest first.
    pub(super) since: Vec<Instant>,
    pub(super) batch: Batch,
    /// Number of events of all deliveries.
    pub(super) events: usize,
    bytes: usize,
}

impl PendingBatch {
    /// An empty batch that uses the memory of `batch`.
    pub(super) fn on(batch: Batch) -> Self {
        Self {
            batch,
            ..Self::default()
        }
    }

    /// True if `one` fits into a batch of `room` deliveries. The first delivery always fits.
    pub(super) fn takes(&self, one: &Waiting, room: usize) -> bool {
        let events = self.events + one.delivery.events.len();
        let bytes = self.bytes + one.delivery.body.len();
        let count = self.deliveries.len();
        count < room && (count == 0 || events <= BATCH_EVENTS && bytes <= BATCH_BYTES)
    }

    /// Adds `one`. An oversized delivery gets a batch of its own, whose columns
    /// [`complete`](Self::complete) fills.
    pub(super) fn add(&mut self, one: Waiting) {
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

    /// Fills the columns of an oversized delivery. This is done outside of the queue's lock.
    pub(super) fn complete(&mut self) {
        if self.is_oversized() {
            self.deliveries.iter().for_each(|one| self.batch.add(one));
        }
    }

    /// Removes and returns deliveries whose caller was answered, and deliveries queued before
    /// `late`.
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

    /// Removes and returns all deliveries.
    pub(super) fn empty(&mut self) -> impl Iterator<Item = Waiting> + use<> {
        let mut all = std::mem::take(self);
        all.batch.clear();
        self.batch = std::mem::take(&mut all.batch);
        all.into_waiting()
    }

    /// Converts the batch back into its deliveries.
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
