//! The way to the commit: deliveries are read, queued, and answered when they are durable.
//!
//! What is queued is bounded; one more is told to come again, at once.

use std::{sync::Arc, time::Instant};

use tokio::sync::{Semaphore, oneshot};
use tokio_util::task::TaskTracker;

use super::{
    Arrival, Caller, Committer, Failure, Intake, Pulse, Settled,
    link::Link,
    parse,
    queue::{self, Entrance, Waiting},
};
use crate::store::{ConnectOptions, Delivery};

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
}

impl Writer {
    /// A writer to the database at `options`, and the task to run for it.
    pub fn new(options: ConnectOptions) -> (Self, Committer) {
        let (entrance, exit) = queue::queue();
        let pulse = Pulse::default();
        let link = Link::new(options, pulse.clone());
        let parsing = Arc::new(Semaphore::new(PARSERS));
        let committer = Committer::new(exit, link, pulse.clone());
        let writer = Self {
            queue: Arc::new(entrance),
            parsing,
            reading: TaskTracker::new(),
            pulse,
        };
        (writer, committer)
    }

    /// Commits `delivery`, and returns when it is durable or cannot be made so in time.
    ///
    /// # Errors
    /// Says why; nothing was acked, and whoever sent it sends it again.
    pub async fn commit(&self, delivery: Delivery) -> Settled {
        let (answer, settled) = oneshot::channel();
        self.queue(delivery, Box::new(Asker(answer)));
        settled.await.unwrap_or(Err(Failure::Internal))
    }

    /// Queues `delivery`; one too many is settled at once.
    fn queue(&self, delivery: Delivery, caller: Box<dyn Caller>) {
        let events = delivery.events.len();
        if self.pulse.events() >= QUEUE_EVENTS {
            return caller.settle(Err(Failure::QueueFull));
        }
        // Counted before it can be settled, which may be at once.
        self.pulse.hand_over(events);
        if let Err((caller, failure)) = self.queue.push(Waiting { delivery, caller }) {
            self.pulse.settle(1, events);
            caller.settle(Err(failure));
        }
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

    fn settle(self: Box<Self>, settled: Settled) {
        let _ = self.0.send(settled);
    }
}
