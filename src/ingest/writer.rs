//! The way to the commit: deliveries are read, queued, and answered when they are durable.
//!
//! What is queued is bounded; one more is told to come again, at once.

use std::sync::Arc;

use tokio::sync::{
    Semaphore,
    mpsc::{self, error::TrySendError},
    oneshot,
};

use super::{Arrival, Caller, Committer, Failure, Intake, Pulse, Settled, link::Link, parse};
use crate::store::{ConnectOptions, Delivery};

/// How many deliveries may wait for a commit; one more is told to come again.
const QUEUE: usize = 4096;

/// A body up to this size is read where it arrived; a larger one on a thread of its own, so that
/// reading it keeps no other delivery waiting.
const READ_IN_PLACE: usize = 64 << 10;

/// How many larger bodies are read at once.
const PARSERS: usize = 2;

/// A delivery that waits for its commit.
pub(super) struct Waiting {
    pub(super) delivery: Delivery,
    pub(super) caller: Box<dyn Caller>,
}

/// Hands deliveries to the one task that commits them. Clones share it.
#[derive(Clone, Debug)]
pub struct Writer {
    queue: mpsc::Sender<Waiting>,
    parsing: Arc<Semaphore>,
    pulse: Pulse,
}

impl Writer {
    /// A writer to the database at `options`, and the task to run for it.
    pub fn new(options: ConnectOptions) -> (Self, Committer) {
        let (sender, queue) = mpsc::channel(QUEUE);
        let pulse = Pulse::default();
        let link = Link::new(options, pulse.clone());
        let parsing = Arc::new(Semaphore::new(PARSERS));
        let committer = Committer::new(queue, link, pulse.clone());
        let writer = Self {
            queue: sender,
            parsing,
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
        let (one, failure) = match self.queue.try_send(Waiting { delivery, caller }) {
            Ok(()) => return self.pulse.hand_over(),
            Err(TrySendError::Full(one)) => (one, Failure::QueueFull),
            Err(TrySendError::Closed(one)) => (one, Failure::Stopping),
        };
        one.caller.settle(Err(failure));
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
            tokio::spawn(self.clone().take_apart(arrival, caller));
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
    fn is_waiting(&self) -> bool {
        !self.0.is_closed()
    }

    fn settle(self: Box<Self>, settled: Settled) {
        let _ = self.0.send(settled);
    }
}
