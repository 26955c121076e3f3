//! The connection of the committer: made when it is needed, dropped when it fails, and never
//! waited for beyond the deadline. A session that fell silent is never asked again.

use std::time::{Duration, Instant};

use tokio::time::{sleep_until, timeout_at};

use super::{Gate, Pulse, outage::Outage};
use crate::{
    store::{self, Batch, Commits, Committed, ConnectOptions, Connection, Error, Known},
    telemetry::{CommitFailed, CommitsResumed, Happening},
};

/// A commit that is not back by then is given up, so that its callers are answered in time.
pub(super) const DEADLINE: Duration = Duration::from_secs(2);

/// Why nothing of a batch was stored.
#[derive(Debug)]
pub(super) enum Denied {
    /// Its values, or some of them: fewer may go through.
    Refused(Error),
    /// Postgres, or the way to it: the same may go through later.
    Unavailable,
}

/// The way to the database, and what was found at its end last time.
#[derive(Debug)]
pub(super) struct Link {
    options: ConnectOptions,
    commits: Commits,
    connection: Option<Connection>,
    known: Known,
    outage: Outage,
    failing: bool,
    pulse: Pulse,
    gate: Gate,
}

impl Link {
    /// A link to the database at `options`, not made yet, for as long as `gate` is open.
    pub(super) fn new(options: ConnectOptions, pulse: Pulse, gate: Gate) -> Self {
        Self {
            options,
            commits: Commits::Durable,
            connection: None,
            known: Known::default(),
            outage: Outage::default(),
            failing: false,
            pulse,
            gate,
        }
    }

    /// Waits less for a Postgres that is away: there is another place for deliveries.
    pub(super) fn hurry(&mut self) {
        self.outage = Outage::brief();
    }

    /// What its commits wait for.
    pub(super) fn set_commits(&mut self, commits: Commits) {
        self.commits = commits;
    }

    /// Sends one batch, and gives it up at `until`.
    ///
    /// # Errors
    /// Nothing of it may count as stored.
    pub(super) async fn send(
        &mut self,
        batch: &Batch,
        until: Instant,
    ) -> Result<Vec<Committed>, Denied> {
        let sent = self.insist(batch, until).await;
        self.pulse.turn();
        match sent {
            Some(Ok(committed)) => {
                self.went_well();
                Ok(committed)
            }
            Some(Err(error)) if error.may_be_the_values() && batch.can_give_way() => {
                Err(Denied::Refused(error))
            }
            Some(Err(error)) => {
                self.went_wrong(&error);
                Err(Denied::Unavailable)
            }
            None => Err(Denied::Unavailable),
        }
    }

    /// Tries until it is settled, or the outage is no longer worth waiting for; `None` where it
    /// was not tried at all. Whatever fails but the values costs the session: it may have died
    /// unnoticed, or be one with a server that is the primary no longer. Deliveries are known by
    /// their ids, so sending them twice is harmless.
    async fn insist(
        &mut self,
        batch: &Batch,
        until: Instant,
    ) -> Option<Result<Vec<Committed>, Error>> {
        let latest = self.outage.latest(Instant::now()).min(until);
        let mut failed = None;
        while self.gate.closed().is_none()
            && let Some(due) = self.outage.next_try(Instant::now())
            && due <= latest
        {
            wait_until(due).await;
            let _trying = self.failing.then(|| self.pulse.try_again());
            let tried = timeout_at(until.into(), self.try_commit(batch)).await;
            match tried.unwrap_or(Err(Error::TimedOut)) {
                Err(error) if !error.may_be_the_values() => failed = Some(Err(error)),
                settled => {
                    self.outage.end();
                    return Some(settled);
                }
            }
            (self.connection, self.known) = (None, Known::default());
            self.outage.fail(Instant::now());
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

    fn went_well(&mut self) {
        if std::mem::take(&mut self.failing) {
            self.pulse.succeed();
            CommitsResumed.emit();
        }
    }

    fn went_wrong(&mut self, error: &Error) {
        self.pulse.fail(Instant::now());
        CommitFailed {
            code: error.code(),
            cause: error.cause(),
            first: !std::mem::replace(&mut self.failing, true),
        }
        .emit();
    }
}

/// Waits until `due`; at all only where it is ahead, since a timer never takes less than the
/// millisecond that a commit may take.
async fn wait_until(due: Instant) {
    if due > Instant::now() {
        sleep_until(due.into()).await;
    }
}
