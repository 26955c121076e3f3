//! The way to the commit: deliveries are read, queued, and answered when they are durable.
//!
//! What is queued is bounded; one more goes into the spool, or is told to come again, at once.

use std::{sync::Arc, time::Instant};

use tokio::sync::{Semaphore, oneshot};
use tokio_util::task::TaskTracker;

use super::{
    Arrival, Caller, Committer, Failure, Gate, Intake, Kept, Pulse, Settled,
    detour::Detour,
    link::Link,
    parse,
    queue::{self, Entrance, Waiting},
};
use crate::{
    spool::Spool,
    store::{Committed, ConnectOptions, Delivery},
};

/// How many events may wait, in however few deliveries; what is read of them takes several times
/// the memory of the body. The delivery that crosses the line still finds its place.
const QUEUE_EVENTS: usize = 50_000;

/// A body up to this size is read where it arrived; a larger one on a thread of its own, so that
/// reading it keeps no other delivery waiting.
const READ_IN_PLACE: usize = 64 << 10;

/// How many larger bodies are read at once.
const PARSERS: usize = 2;

/// Hands deliveries to the one task that commits them. Clones share it.
#[derive(Clone, Debug)]
pub struct Writer {
    queue: Arc<Entrance>,
    parsing: Arc<Semaphore>,
    /// Each holds a handle of the writer, whose task so outlives them.
    reading: TaskTracker,
    pulse: Pulse,
    gate: Gate,
    detour: Detour,
}

impl Writer {
    /// A writer to the database at `options`, and to `spool` while that is away; and the task to
    /// run for it.
    pub fn new(options: ConnectOptions, spool: Option<Spool>) -> (Self, Committer) {
        let (entrance, exit) = queue::queue();
        let (pulse, gate) = (Pulse::default(), Gate::default());
        let mut link = Link::new(options, pulse.clone(), gate.clone());
        let detour = Detour::new(spool);
        if detour.exists() {
            link.hurry();
        }
        let committer = Committer::new(exit, link, pulse.clone(), detour.clone());
        let writer = Self {
            queue: Arc::new(entrance),
            parsing: Arc::new(Semaphore::new(PARSERS)),
            reading: TaskTracker::new(),
            pulse,
            gate,
            detour,
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

    /// Queues `delivery`; one too many makes its detour at once, and so does one that would wait for
    /// a Postgres that is away.
    fn queue(&self, delivery: Delivery, caller: Box<dyn Caller>) {
        let events = delivery.events.len();
        let since = Instant::now();
        let one = Waiting {
            delivery,
            caller,
            since,
        };
        if self.pulse.events() >= QUEUE_EVENTS {
            return self.detour.take(one, Failure::QueueFull);
        }
        if self.pulse.is_trying_again() && self.detour.exists() {
            return self.detour.take(one, Failure::StoreUnavailable);
        }
        // Counted before it can be settled, which may be at once.
        self.pulse.hand_over(events);
        if let Err(back) = self.queue.push(one) {
            let (one, failure) = *back;
            self.pulse.settle(1, events);
            self.detour.take(one, failure);
        }
    }

    /// Through which its commits go.
    pub fn gate(&self) -> Gate {
        self.gate.clone()
    }

    /// Tells whether it gets on.
    pub fn pulse(&self) -> Pulse {
        self.pulse.clone()
    }

    /// What the door hands its arrivals to: parse, commit, and say how it ended.
    pub fn intake(&self) -> Intake {
        let writer = self.clone();
        Intake::new(move |arrival, caller| writer.take(arrival, caller))
    }

    /// Reads the body: at once if it is small, else apart and few at a time.
    fn take(&self, arrival: Arrival, caller: Box<dyn Caller>) {
        if arrival.body.bytes().len() <= READ_IN_PLACE {
            self.queue(parse(arrival), caller);
        } else {
            self.reading.spawn(self.clone().take_apart(arrival, caller));
        }
    }

    async fn take_apart(self, arrival: Arrival, caller: Box<dyn Caller>) {
        let permit = Arc::clone(&self.parsing).acquire_owned().await;
        tokio::task::spawn_blocking(move || {
            let delivery = parse(arrival);
            drop(permit);
            self.queue(delivery, caller);
        });
    }
}

/// Who called [`Writer::commit`].
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
