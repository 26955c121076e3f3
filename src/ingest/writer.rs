//! The fourth step of a delivery: one writer commits whatever has queued, then answers each.
//!
//! Nothing waits for a batch to fill: while one commit is on its way the next batch gathers by
//! itself. A batch that Postgres refuses is split until the delivery that it refuses stands alone;
//! that one is kept without its events, and its neighbours never notice.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    time::timeout,
};

use super::{Arrival, Failure, Intake, Outcome, Pulse, parse};
use crate::{
    meta::event::Problem,
    store::{self, Committed, ConnectOptions, Connection, Delivery, Error},
    telemetry::{CommitFailed, CommitsResumed, EventsRefused, Happening},
};

/// How many deliveries may wait for a commit; one more is told to come again.
const QUEUE: usize = 4096;

/// The most deliveries of one commit.
const BATCH: usize = 500;

/// The most events of one commit, unless a single delivery holds more.
const BATCH_EVENTS: usize = 2_000;

/// A body up to this size is read where it arrived; a larger one on a thread of its own, so that
/// reading it keeps no other delivery waiting.
const READ_IN_PLACE: usize = 64 << 10;

/// How many larger bodies are read at once.
const PARSERS: usize = 2;

/// A commit that is not back by then is given up, so that its callers are answered in time.
const DEADLINE: Duration = Duration::from_secs(2);

/// A delivery that waits for its commit.
#[derive(Debug)]
struct Waiting {
    delivery: Delivery,
    answer: oneshot::Sender<Result<Committed, Failure>>,
}

/// Hands deliveries to the one task that commits them. Clones share it.
#[derive(Clone, Debug)]
pub struct Writer {
    queue: mpsc::Sender<Waiting>,
    parsing: Arc<Semaphore>,
    pulse: Pulse,
}

/// The task behind a [`Writer`]: runs until every handle of it is dropped.
#[derive(Debug)]
pub struct Committer {
    queue: mpsc::Receiver<Waiting>,
    link: Link,
}

/// The connection of the committer, made when it is needed and dropped when it fails: a session
/// that fell silent is never asked again.
#[derive(Debug)]
struct Link {
    options: ConnectOptions,
    connection: Option<Connection>,
    epoch: Option<i32>,
    failing: bool,
    pulse: Pulse,
}

impl Writer {
    /// A writer to the database at `options`, and the task to run for it.
    pub fn new(options: ConnectOptions) -> (Self, Committer) {
        let (sender, queue) = mpsc::channel(QUEUE);
        let pulse = Pulse::default();
        let link = Link {
            options,
            connection: None,
            epoch: None,
            failing: false,
            pulse: pulse.clone(),
        };
        let parsing = Arc::new(Semaphore::new(PARSERS));
        let writer = Self {
            queue: sender,
            parsing,
            pulse,
        };
        (writer, Committer { queue, link })
    }

    /// Commits `delivery`, and returns when it is durable or cannot be made so in time.
    ///
    /// # Errors
    /// Says why; nothing was acked, and whoever sent it sends it again.
    pub async fn commit(&self, delivery: Delivery) -> Result<Committed, Failure> {
        let (answer, committed) = oneshot::channel();
        self.queue
            .try_send(Waiting { delivery, answer })
            .map_err(|refused| match refused {
                mpsc::error::TrySendError::Full(_) => Failure::QueueFull,
                mpsc::error::TrySendError::Closed(_) => Failure::Stopping,
            })?;
        self.pulse.hand_over();
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

impl Committer {
    /// Commits what waits, batch after batch, until nobody can hand over any more.
    pub async fn run(mut self) {
        let mut waiting = Vec::with_capacity(BATCH);
        while self.queue.recv_many(&mut waiting, BATCH).await > 0 {
            while !waiting.is_empty() {
                let batch = waiting.drain(..fitting(&waiting)).collect();
                self.link.settle(batch).await;
            }
        }
    }
}

/// How many of `waiting` fit into one commit: at least one.
fn fitting(waiting: &[Waiting]) -> usize {
    let mut events = 0;
    let too_many = |one: &Waiting| {
        events += one.delivery.events.len();
        events > BATCH_EVENTS
    };
    waiting
        .iter()
        .position(too_many)
        .unwrap_or(waiting.len())
        .max(1)
}

impl Link {
    /// Commits a batch and answers each of its callers after its own commit.
    async fn settle(&mut self, batch: Vec<Waiting>) {
        let count = batch.len();
        // A caller whose patience ended was told to come again: what it brought is not waited for.
        let patient = batch.into_iter().filter(|one| !one.answer.is_closed());
        let (deliveries, answers): (Vec<_>, Vec<_>) =
            patient.map(|one| (one.delivery, one.answer)).unzip();
        let results = self.commit(deliveries).await;
        for (answer, result) in answers.into_iter().zip(results) {
            let _ = answer.send(result);
        }
        self.pulse.settle(count);
    }

    /// Commits `deliveries`: in halves where Postgres refuses them, and the one that it refuses
    /// without its events.
    async fn commit(&mut self, mut deliveries: Vec<Delivery>) -> Vec<Result<Committed, Failure>> {
        let count = deliveries.len();
        match (self.send(&deliveries).await, &mut deliveries[..]) {
            (Ok(committed), _) => committed.into_iter().map(Ok).collect(),
            (Err(Error::Refused(_)), [alone]) if alone.problem != Some(Problem::Refused) => {
                strip(alone);
                Box::pin(self.commit(deliveries)).await
            }
            (Err(Error::Refused(_)), [_, _, ..]) => {
                let second = deliveries.split_off(count / 2);
                let mut results = Box::pin(self.commit(deliveries)).await;
                results.extend(Box::pin(self.commit(second)).await);
                results
            }
            (Err(_), _) => vec![Err(Failure::StoreUnavailable); count],
        }
    }

    /// Sends one batch within the deadline. Whatever fails but the values costs the connection.
    async fn send(&mut self, deliveries: &[Delivery]) -> Result<Vec<Committed>, Error> {
        if deliveries.is_empty() {
            return Ok(Vec::new());
        }
        let sent = timeout(DEADLINE, self.commit_once(deliveries)).await;
        let sent = sent.unwrap_or(Err(Error::TimedOut));
        self.pulse.turn();
        match &sent {
            Ok(_) if std::mem::take(&mut self.failing) => CommitsResumed.emit(),
            Ok(_) | Err(Error::Refused(_)) => {}
            Err(error) => {
                let first = !std::mem::replace(&mut self.failing, true);
                CommitFailed {
                    code: error.code(),
                    cause: error.cause(),
                    first,
                }
                .emit();
                (self.connection, self.epoch) = (None, None);
            }
        }
        sent
    }

    /// A session that nobody used for a while may have died unnoticed: that costs a second try on a
    /// new one, and not a 503. Deliveries are known by their ids, so trying twice is harmless.
    async fn commit_once(&mut self, deliveries: &[Delivery]) -> Result<Vec<Committed>, Error> {
        let reused = self.connection.is_some();
        match self.try_commit(deliveries).await {
            Err(Error::Unavailable(_)) if reused => {
                (self.connection, self.epoch) = (None, None);
                self.try_commit(deliveries).await
            }
            tried => tried,
        }
    }

    async fn try_commit(&mut self, deliveries: &[Delivery]) -> Result<Vec<Committed>, Error> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(store::connect_writer(&self.options, DEADLINE).await?),
        };
        store::commit(connection, &mut self.epoch, deliveries).await
    }
}

/// What Postgres refuses is kept byte for byte, without the events it refuses.
fn strip(delivery: &mut Delivery) {
    EventsRefused {
        events: delivery.events.len(),
    }
    .emit();
    delivery.events.clear();
    delivery.object = None;
    delivery.problem = Some(Problem::Refused);
}
