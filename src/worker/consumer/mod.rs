//! Owner of a consumer: takes it over, reads the log, answers the calls and writes the progress.
//!
//! Nothing waits for Postgres but the callers whom it concerns: one flush and one lookup run beside
//! the calls, and a task of its own reads the log.

mod ending;
mod flushing;
mod job;
mod lookup;
mod owned;
mod replaying;
mod restore;
mod retried;

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use self::owned::Owned;
use crate::{
    clock::Clock,
    forward::consumer::{Calls, Desk, Refusal, Settings},
    query::stream::{Log, LogSubscription},
    store::{
        self, Commits, ConnectOptions, Connection, Error,
        consumers::{self, NewConsumer, Owner, Take, Taken},
    },
    telemetry::{
        LogEvent,
        consumers::{ConsumerFailed, ConsumerRecovered, ConsumerTaken, FilterUnmatched},
    },
};

/// Time for which a consumer is owned after each flush.
const OWNED: Duration = Duration::from_secs(15);

/// Deadline for connecting and for a statement.
const DEADLINE: Duration = Duration::from_secs(5);

/// Pause after a failure, and between two looks at a consumer of another process.
const SOON: Duration = Duration::from_secs(1);

/// Parts that all consumers of a process share.
#[derive(Clone, Debug)]
pub struct Shared {
    /// The database.
    pub options: ConnectOptions,
    /// Durability of a settlement.
    pub commits: Commits,
    /// The log.
    pub log: Log,
    /// This process.
    pub owner: Owner,
    /// The time.
    pub clock: Clock,
}

/// A consumer to own.
#[derive(Debug)]
pub struct Consuming {
    name: Arc<str>,
    settings: watch::Receiver<Arc<Settings>>,
    calls: Calls,
    shared: Shared,
    /// Session between two takeovers.
    idle: Option<Connection>,
    /// True once the row of the consumer is there, with its present kind.
    is_registered: bool,
    failing: bool,
}

/// A consumer that was taken over.
#[derive(Debug)]
struct Takeover {
    settings: Arc<Settings>,
    connection: Connection,
    desk: Desk,
    log: LogSubscription,
    generation: i64,
    /// Reason of a pause.
    paused: Option<String>,
    /// A moment before the takeover.
    began: std::time::Instant,
}

/// Reason why a consumer is not taken over.
#[derive(Debug)]
enum Untaken {
    /// It is to be tried again after a pause.
    Rest(Rest),
    Failed(Error),
}

impl From<Error> for Untaken {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Pause in which calls are refused.
#[derive(Debug)]
struct Rest {
    refusal: Refusal,
    time: Duration,
}

impl Consuming {
    /// The consumer `name`, which answers `calls`.
    pub fn new(
        name: Arc<str>,
        settings: watch::Receiver<Arc<Settings>>,
        calls: Calls,
        shared: Shared,
    ) -> Self {
        Self {
            name,
            settings,
            calls,
            shared,
            idle: None,
            is_registered: false,
            failing: false,
        }
    }

    /// Runs until `stop`. The progress is then written, and another process may take the consumer
    /// at once.
    pub async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let taken = Box::pin(stop.run_until_cancelled(self.take())).await;
            let Some(taken) = taken else {
                return;
            };
            let rest = match taken {
                Ok(taken) => Owned::new(&mut self, taken).run(&stop).await,
                Err(Untaken::Rest(rest)) => rest,
                Err(Untaken::Failed(error)) => self.stumble(&error),
            };
            stop.run_until_cancelled(self.rest(rest)).await;
        }
    }

    /// Takes the consumer over.
    async fn take(&mut self) -> Result<Takeover, Untaken> {
        let mut connection = match self.idle.take() {
            Some(connection) => connection,
            None => self.shared.connect().await?,
        };
        let settings = Arc::clone(&self.settings.borrow_and_update());
        if !self.is_registered {
            let new = NewConsumer {
                name: &self.name,
                kind: settings.kind,
                lane: settings.lane.as_str(),
                start: settings.start,
            };
            within_deadline(consumers::register(&mut connection, new)).await?;
            self.is_registered = true;
        }
        let began = std::time::Instant::now();
        let taken = consumers::take(&mut connection, &self.name, &self.shared.owner, OWNED);
        match within_deadline(taken).await? {
            Take::Taken(taken) => {
                let takeover = self.load(connection, settings, *taken, began).await?;
                self.resumed();
                takeover.ok_or(Untaken::Rest(Rest::short()))
            }
            Take::OwnedBy(owner) => {
                self.idle = Some(connection);
                Err(Untaken::Rest(Rest {
                    refusal: Refusal::Elsewhere(owner.address),
                    time: SOON,
                }))
            }
            Take::Missing => {
                self.is_registered = false;
                self.idle = Some(connection);
                Err(Untaken::Rest(Rest::short()))
            }
        }
    }

    /// Loads the state of the consumer; `None` if it was lost meanwhile.
    async fn load(
        &self,
        mut connection: Connection,
        settings: Arc<Settings>,
        taken: Taken,
        began: std::time::Instant,
    ) -> Result<Option<Takeover>, Error> {
        let place = (&self.shared, &self.name);
        let desk = restore::desk(&mut connection, place, Arc::clone(&settings), &taken).await?;
        let Some(desk) = desk else {
            return Ok(None);
        };
        self.check_filter(&mut connection, &settings).await?;
        let (position, progress) = (desk.read(), taken.progress);
        let at = progress.caught_up_at;
        let at = at.filter(|_| position == progress.position);
        let log = self
            .shared
            .log
            .subscribe(position, at, settings.is_by_client());
        let log = log.await?;
        let consumer = Arc::clone(&self.name);
        ConsumerTaken { consumer, position }.emit();
        Ok(Some(Takeover {
            settings,
            connection,
            desk,
            log,
            generation: taken.generation,
            paused: progress.paused,
            began,
        }))
    }

    /// Reports accounts and clients of the filter that are not known: they may be misspelt.
    async fn check_filter(
        &self,
        connection: &mut Connection,
        settings: &Settings,
    ) -> Result<(), Error> {
        let unmatched = consumers::unmatched(connection, &settings.filter);
        let unmatched = within_deadline(unmatched).await?;
        let of = |key| unmatched.iter().filter(|it| it.key == key).count();
        if !unmatched.is_empty() {
            FilterUnmatched {
                consumer: Arc::clone(&self.name),
                accounts: of("accounts"),
                clients: of("clients"),
            }
            .emit();
        }
        Ok(())
    }

    /// Refuses calls for a while.
    async fn rest(&mut self, rest: Rest) {
        let end = Instant::now() + rest.time;
        loop {
            tokio::select! {
                () = sleep_until(end) => return,
                Some(call) = self.calls.recv() => call.refuse(rest.refusal.clone()),
                else => return sleep_until(end).await,
            }
        }
    }

    fn resumed(&mut self) {
        if std::mem::take(&mut self.failing) {
            let consumer = Arc::clone(&self.name);
            ConsumerRecovered { consumer }.emit();
        }
    }

    fn stumble(&mut self, error: &Error) -> Rest {
        ConsumerFailed {
            consumer: Arc::clone(&self.name),
            cause: error.cause(),
            first: !std::mem::replace(&mut self.failing, true),
        }
        .emit();
        Rest {
            refusal: Refusal::Unavailable,
            time: SOON,
        }
    }
}

impl Rest {
    /// No pause.
    fn short() -> Self {
        Self {
            refusal: Refusal::Unavailable,
            time: Duration::ZERO,
        }
    }
}

impl Shared {
    /// Opens a session for the owner of a consumer.
    async fn connect(&self) -> Result<Connection, Error> {
        store::connect_owner(&self.options, self.commits, DEADLINE).await
    }
}

async fn within_deadline<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let done = tokio::time::timeout(DEADLINE, work).await;
    done.unwrap_or(Err(Error::TimedOut))
}
