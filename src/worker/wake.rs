//! Poll for commits of other processes, while a waiter is urgent.

use std::time::Duration;

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::{
    store::{
        self, ConnectOptions, Connection, Error,
        wake::{self, POLL, Wakes},
    },
    telemetry::{LogEvent, WakePollFailed, WakePollResumed},
};

/// Deadline for connecting and for an answer.
const DEADLINE: Duration = Duration::from_secs(5);

/// Pause after a failure. Waiters look once a second meanwhile.
const SOON: Duration = Duration::from_secs(1);

/// The poll, and its session.
#[derive(Debug)]
pub struct WakePoll {
    options: ConnectOptions,
    wakes: Wakes,
    connection: Option<Connection>,
    failing: bool,
}

impl WakePoll {
    /// Polls the database at `options` for `wakes`.
    pub fn new(options: ConnectOptions, wakes: Wakes) -> Self {
        Self {
            options,
            wakes,
            connection: None,
            failing: false,
        }
    }

    /// Runs until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        stop.run_until_cancelled(self.poll()).await;
    }

    async fn poll(&mut self) {
        loop {
            if !self.wakes.is_urgent() {
                self.connection = None;
                self.wakes.until_urgent().await;
            }
            let pause = self.look().await;
            tokio::time::sleep(pause).await;
        }
    }

    /// Reads the last drawn position, and returns the pause before the next look.
    async fn look(&mut self) -> Duration {
        let looked = timeout(DEADLINE, self.last_drawn()).await;
        match looked.unwrap_or(Err(Error::TimedOut)) {
            Ok(drawn) => {
                self.wakes.polled(drawn);
                if std::mem::take(&mut self.failing) {
                    WakePollResumed.emit();
                }
                POLL
            }
            Err(error) => {
                self.connection = None;
                WakePollFailed {
                    cause: error.cause(),
                    first: !std::mem::replace(&mut self.failing, true),
                }
                .emit();
                SOON
            }
        }
    }

    async fn last_drawn(&mut self) -> Result<i64, Error> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(store::connect(&self.options, DEADLINE).await?),
        };
        wake::last_drawn(connection).await
    }
}
