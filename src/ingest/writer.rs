//! Writer: parses deliveries, queues them, and answers each caller when its delivery is durable.
//!
//! The queue is bounded. Deliveries beyond the limit go into the spool, or fail with 503, at once.

use std::{sync::Arc, time::Instant};

use tokio::sync::{Semaphore, oneshot};
use tokio_util::task::TaskTracker;

use super::{
    Caller, CircuitBreaker, Committer, Durable, Failure, Settled, Waiting, WriterProgress,
    fallback::SpoolFallback,
    parse,
    queue::{self, QueueSender},
    session::PgSession,
};
use crate::{
    envelope::Envelope,
    meta::signature::VerifiedBody,
    spool::Spool,
    store::{Committed, ConnectOptions, Delivery},
};

/// Maximum number of waiting events, since parsed events take several times the memory of the body.
/// The delivery that crosses the limit is still queued.
const QUEUE_EVENTS: usize = 50_000;

/// Maximum size of a body that is parsed in place. A larger body is parsed on a blocking thread, so
/// that it delays no other delivery.
const READ_IN_PLACE: usize = 64 << 10;

/// Maximum number of larger bodies that are parsed at once.
const PARSERS: usize = 2;

/// Hands deliveries to the committer. Clones share the queue.
#[derive(Clone, Debug)]
pub struct Writer {
    pub(super) queue: Arc<QueueSender>,
    parsing: Arc<Semaphore>,
    /// Parsing tasks. Each holds a handle of the writer, so the committer outlives them.
    reading: TaskTracker,
    progress: WriterProgress,
    breaker: CircuitBreaker,
    fallback: SpoolFallback,
}

impl Writer {
    /// A writer to the database at `options`, with `spool` as its fallback, and the committer to
    /// run.
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

    /// Queues a delivery that is already durable elsewhere. The returned future ends when Postgres
    /// has the delivery, or does not take it in time.
    ///
    /// # Errors
    /// If the delivery could not be committed; the error has the reason.
    pub fn commit(
        &self,
        delivery: Delivery,
    ) -> impl Future<Output = Result<Committed, Failure>> + use<> {
        let (answer, settled) = oneshot::channel();
        self.queue(delivery, Box::new(OneshotCaller(answer)));
        async {
            match settled.await {
                Ok(Ok(Durable::Stored(committed))) => Ok(committed),
                Ok(Err(failure)) => Err(failure),
                // The caller has a copy, so the delivery was not spooled.
                Ok(Ok(Durable::Spooled)) | Err(_) => Err(Failure::Internal),
            }
        }
    }

    /// Queues `delivery`. If the queue is full, the delivery falls back to the spool at once.
    fn queue(&self, delivery: Delivery, mut caller: Box<dyn Caller>) {
        caller.look_at(&delivery);
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
        // Counted first, because the delivery may be settled at once.
        self.progress.hand_over(events);
        if let Err(back) = self.queue.push(one) {
            let (one, failure) = *back;
            self.progress.settle(1, events);
            self.fallback.take(one, failure);
        }
    }

    /// The circuit breaker of the commits.
    pub fn breaker(&self) -> CircuitBreaker {
        self.breaker.clone()
    }

    /// The progress counters, for the watchdog.
    pub fn progress(&self) -> WriterProgress {
        self.progress.clone()
    }

    /// Takes a delivery from the listener and reports the result to `caller`. A small body is
    /// parsed in place, a larger one on a blocking thread.
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

/// Caller used by [`Writer::commit`].
struct OneshotCaller(oneshot::Sender<Settled>);

impl Caller for OneshotCaller {
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
