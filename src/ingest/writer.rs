//! Writer: reads deliveries, queues them, and answers each when it is durable.
//!
//! The queue is bounded; one delivery more goes into the spool, or comes again, at once.

use std::{sync::Arc, time::Instant};

use tokio::sync::{Semaphore, oneshot};
use tokio_util::task::TaskTracker;

use super::{
    Caller, CircuitBreaker, Committer, Failure, Kept, Settled, Waiting, WriterProgress,
    fallback::SpoolFallback,
    parse,
    queue::{self, Entrance},
    session::PgSession,
};
use crate::{
    envelope::Envelope,
    meta::signature::VerifiedBody,
    spool::Spool,
    store::{Committed, ConnectOptions, Delivery},
};

/// Most events that wait, in however few deliveries: parsed, they take several times the memory of
/// the body. The delivery that crosses the line is still queued.
const QUEUE_EVENTS: usize = 50_000;

/// A body up to this size is read where it arrived; a larger one on a thread of its own, so that
/// reading it keeps no other delivery waiting.
const READ_IN_PLACE: usize = 64 << 10;

/// Most larger bodies that are read at once.
const PARSERS: usize = 2;

/// Hands deliveries to the one task that commits them. Clones share it.
#[derive(Clone, Debug)]
pub struct Writer {
    pub(super) queue: Arc<Entrance>,
    parsing: Arc<Semaphore>,
    /// Each holds a handle of the writer, whose task so outlives them.
    reading: TaskTracker,
    progress: WriterProgress,
    breaker: CircuitBreaker,
    fallback: SpoolFallback,
}

impl Writer {
    /// A writer to the database at `options`, with `spool` as its fallback; and the task to run for
    /// it.
    pub fn new(options: ConnectOptions, spool: Option<Spool>) -> (Self, Committer) {
        let (entrance, exit) = queue::queue();
        let progress = WriterProgress::default();
        let breaker = CircuitBreaker::new(spool.is_some());
        let session = PgSession::new(options, breaker.clone(), progress.clone());
        let fallback = SpoolFallback::new(spool);
        let watched = (breaker.clone(), progress.clone());
        let committer = Committer::new(exit, session, watched, fallback.clone());
        let writer = Self {
            queue: Arc::new(entrance),
            parsing: Arc::new(Semaphore::new(PARSERS)),
            reading: TaskTracker::new(),
            progress,
            breaker,
            fallback,
        };
        (writer, committer)
    }

    /// Queues what is durable in another place already, and returns who waits until Postgres has
    /// it too, or does not take it in time.
    ///
    /// # Errors
    /// Says why it does not.
    pub fn commit(
        &self,
        delivery: Delivery,
    ) -> impl Future<Output = Result<Committed, Failure>> + use<> {
        let (answer, settled) = oneshot::channel();
        self.queue(delivery, Box::new(Asker(answer)));
        async {
            match settled.await {
                Ok(Ok(Kept::Stored(committed))) => Ok(committed),
                Ok(Err(failure)) => Err(failure),
                // It has a copy, and so was not spooled.
                Ok(Ok(Kept::Spooled)) | Err(_) => Err(Failure::Internal),
            }
        }
    }

    /// Queues `delivery`; one too many falls back to the spool at once.
    fn queue(&self, delivery: Delivery, caller: Box<dyn Caller>) {
        let events = delivery.events.len();
        let since = Instant::now();
        let one = Waiting {
            delivery,
            caller,
            since,
        };
        if self.progress.events() >= QUEUE_EVENTS {
            return self.fallback.take(one, Failure::QueueFull);
        }
        // Counted before it can be settled, which may be at once.
        self.progress.hand_over(events);
        if let Err(back) = self.queue.push(one) {
            let (one, failure) = *back;
            self.progress.settle(1, events);
            self.fallback.take(one, failure);
        }
    }

    /// The circuit breaker of its commits.
    pub fn breaker(&self) -> CircuitBreaker {
        self.breaker.clone()
    }

    /// Its counters, for the watchdog.
    pub fn progress(&self) -> WriterProgress {
        self.progress.clone()
    }

    /// Takes a delivery from the door and tells `caller` how it ended. A small body is read at once,
    /// a larger one apart, few at a time.
    pub fn take(
        &self,
        envelope: Envelope,
        body: VerifiedBody,
        simulated: bool,
        caller: impl Caller + 'static,
    ) {
        let caller = Box::new(caller);
        if body.bytes().len() <= READ_IN_PLACE {
            return self.queue(parse(envelope, &body, simulated), caller);
        }
        let writer = self.clone();
        self.reading.spawn(async move {
            let permit = Arc::clone(&writer.parsing).acquire_owned().await;
            tokio::task::spawn_blocking(move || {
                let delivery = parse(envelope, &body, simulated);
                drop(permit);
                writer.queue(delivery, caller);
            });
        });
    }
}

/// The caller behind [`Writer::commit`].
struct Asker(oneshot::Sender<Settled>);

impl Caller for Asker {
    fn is_waiting(&self, _: Instant) -> bool {
        !self.0.is_closed()
    }

    fn has_a_copy(&self) -> bool {
        true
    }

    fn settle(self: Box<Self>, settled: Settled) {
        let _ = self.0.send(settled);
    }
}
