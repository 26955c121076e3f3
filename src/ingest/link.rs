//! The connection of the committer: made when it is needed, dropped when it fails, and never
//! waited for beyond the deadline. A session that fell silent is never asked again.

use std::time::Duration;

use tokio::time::timeout;

use super::Pulse;
use crate::{
    store::{self, Committed, ConnectOptions, Connection, Delivery, Error},
    telemetry::{CommitFailed, CommitsResumed, Happening},
};

/// A commit that is not back by then is given up, so that its callers are answered in time.
const DEADLINE: Duration = Duration::from_secs(2);

/// The way to the database, and what was found at its end last time.
#[derive(Debug)]
pub(super) struct Link {
    options: ConnectOptions,
    connection: Option<Connection>,
    epoch: Option<i32>,
    failing: bool,
    pulse: Pulse,
}

impl Link {
    /// A link to the database at `options`, not made yet.
    pub(super) fn new(options: ConnectOptions, pulse: Pulse) -> Self {
        Self {
            options,
            connection: None,
            epoch: None,
            failing: false,
            pulse,
        }
    }

    /// Sends one batch within the deadline. Whatever fails but the values costs the connection.
    ///
    /// # Errors
    /// What Postgres or the way to it has against the batch; nothing of it may count as stored.
    pub(super) async fn send(&mut self, deliveries: &[Delivery]) -> Result<Vec<Committed>, Error> {
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
