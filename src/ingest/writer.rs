//! The way to the commit: deliveries are read, queued, and answered when they are durable.
//!
//! What is queued is bounded; one more is told to come again, at once.

use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc, oneshot};

use super::{Arrival, Committer, Failure, Intake, Outcome, Pulse, link::Link, parse};
use crate::store::{Committed, ConnectOptions, Delivery};

/// How many deliveries may wait for a commit; one more is told to come again.
const QUEUE: usize = 4096;

/// How many events may wait, in however few deliveries; what is read of them takes several times
/// the memory of the body. The delivery that crosses the line still finds its place.
const QUEUE_EVENTS: usize = 50_000;

/// A body up to this size is read where it arrived; a larger one on a thread of its own, so that
/// reading it keeps no other delivery waiting.
const READ_IN_PLACE: usize = 64 << 10;

/// How many larger bodies are read at once.
const PARSERS: usize = 2;

/// A delivery that waits for its commit.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) delivery: Delivery,
    pub(super) answer: oneshot::Sender<Result<Committed, Failure>>,
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
    pub async fn commit(&self, delivery: Delivery) -> Result<Committed, Failure> {
        if self.pulse.events() >= QUEUE_EVENTS {
            return Err(Failure::QueueFull);
        }
        let (answer, committed) = oneshot::channel();
        let events = delivery.events.len();
        // Counted before it can be settled, which may be at once.
        self.pulse.hand_over(events);
        let waiting = Waiting { delivery, answer };
        self.queue.try_send(waiting).map_err(|refused| {
            self.pulse.settle(1, events);
            match refused {
                mpsc::error::TrySendError::Full(_) => Failure::QueueFull,
                mpsc::error::TrySendError::Closed(_) => Failure::Stopping,
            }
        })?;
        committed.await.unwrap_or(Err(Failure::Internal))
    }

    /// Tells whether it gets on.
    pub fn pulse(&self) -> Pulse {
        self.pulse.clone()
    }

    /// What the door hands its arrivals to: parse, commit, and say how it ended.
    pub fn intake(&self) -> Intake {
        let writer = self.clone();
        Intake::new(move |arrival| {
            let writer = writer.clone();
            async move { writer.settle(arrival).await }
        })
    }

    async fn settle(&self, arrival: Arrival) -> Outcome {
        let settled = match self.parse(arrival).await {
            Ok(delivery) => self.commit(delivery).await,
            Err(failure) => Err(failure),
        };
        match settled {
            Err(failure) => Outcome::Failed(failure),
            Ok(Committed {
                new: 0,
                repeated: 0,
                problem: Some(problem),
            }) => Outcome::Unreadable(problem),
            Ok(Committed { new, repeated, .. }) => Outcome::Accepted { new, repeated },
        }
    }

    /// Reads the body: at once if it is small, else apart and few at a time. A caller whose
    /// patience ends while it waits for its turn takes its body along.
    async fn parse(&self, arrival: Arrival) -> Result<Delivery, Failure> {
        if arrival.body.bytes().len() <= READ_IN_PLACE {
            return Ok(parse(arrival));
        }
        let permit = Arc::clone(&self.parsing).acquire_owned().await;
        let reading = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            parse(arrival)
        });
        reading.await.map_err(|_| Failure::Internal)
    }
}
