//! Postgres session of the committer. The session connects on demand, is dropped on failure, and is
//! never waited for beyond the deadline. A session without an answer is never used again.

use std::time::{Duration, Instant};

use tokio::time::{sleep_until, timeout_at};

use super::{CircuitBreaker, WriterProgress};
use crate::{
    store::{self, Batch, Commits, Committed, ConnectOptions, Connection, Error, Known},
    telemetry::{CommitFailed, CommitsResumed, LogEvent},
};

/// Maximum time for a commit, so that its callers are answered in time.
pub(super) const DEADLINE: Duration = Duration::from_secs(2);

/// Reason why a batch was not stored.
#[derive(Debug)]
pub(super) enum Denied {
    /// Postgres refused some of the values: a part of the batch may succeed.
    Refused(Error),
    /// Postgres or the connection failed: the same batch may succeed later.
    Unavailable,
}

/// A session, and the cached state of its database.
#[derive(Debug)]
pub(super) struct PgSession {
    options: ConnectOptions,
    commits: Commits,
    connection: Option<Connection>,
    known: Known,
    breaker: CircuitBreaker,
    progress: WriterProgress,
}

impl PgSession {
    /// A session with the database at `options`, not connected yet.
    pub(super) fn new(
        options: ConnectOptions,
        breaker: CircuitBreaker,
        progress: WriterProgress,
    ) -> Self {
        Self {
            options,
            commits: Commits::Durable,
            connection: None,
            known: Known::default(),
            breaker,
            progress,
        }
    }

    /// Sets the durability of its commits.
    pub(super) fn set_commits(&mut self, commits: Commits) {
        self.commits = commits;
    }

    /// Sends one batch, and gives up at `until`.
    ///
    /// # Errors
    /// If the batch was refused or Postgres is unavailable. No delivery of the batch counts as
    /// stored.
    pub(super) async fn send(
        &mut self,
        batch: &Batch,
        until: Instant,
    ) -> Result<Vec<Committed>, Denied> {
        let sent = self.send_with_retry(batch, until).await;
        self.progress.turn();
        match sent {
            Some(Ok(committed)) => {
                if self.breaker.committed() {
                    CommitsResumed.emit();
                }
                Ok(committed)
            }
            Some(Err(error)) if error.may_be_the_values() && batch.can_give_way() => {
                Err(Denied::Refused(error))
            }
            Some(Err(error)) => {
                self.give_up(&error);
                Err(Denied::Unavailable)
            }
            None => Err(Denied::Unavailable),
        }
    }

    /// Retries as often as the circuit breaker allows; `None` if it allows no try. Any failure but
    /// refused values closes the session, which may be dead or connected to a server that is no
    /// longer the primary. Sending deliveries twice is harmless, since their ids are known.
    async fn send_with_retry(
        &mut self,
        batch: &Batch,
        until: Instant,
    ) -> Option<Result<Vec<Committed>, Error>> {
        let last = self.breaker.last_try(Instant::now()).min(until);
        let mut failed = None;
        while let Some(due) = self.breaker.next_try(Instant::now())
            && due <= last
        {
            wait_until(due).await;
            let tried = timeout_at(until.into(), self.try_commit(batch)).await;
            match tried.unwrap_or(Err(Error::TimedOut)) {
                Err(error) if !error.may_be_the_values() => failed = Some(Err(error)),
                answered => {
                    self.breaker.try_answered();
                    return Some(answered);
                }
            }
            (self.connection, self.known) = (None, Known::default());
            self.breaker.try_failed(Instant::now());
        }
        failed
    }

    async fn try_commit(&mut self, batch: &Batch) -> Result<Vec<Committed>, Error> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => {
                let connecting = store::connect_writer(&self.options, self.commits, DEADLINE);
                none.insert(connecting.await?)
            }
        };
        store::commit(connection, &mut self.known, batch).await
    }

    fn give_up(&self, error: &Error) {
        CommitFailed {
            code: error.code(),
            cause: error.cause(),
            first: self.breaker.gave_up(Instant::now()),
        }
        .emit();
    }
}

/// Waits until `due`. A timer takes at least a millisecond, as long as a commit may take, so a time
/// in the past sets no timer.
async fn wait_until(due: Instant) {
    if due > Instant::now() {
        sleep_until(due.into()).await;
    }
}
