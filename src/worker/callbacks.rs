//! Writes the last events at the callback URLs to Postgres.

use std::time::Duration;

use tokio::time::timeout;

use crate::{
    ingest::Callbacks,
    store::{self, ConnectOptions, Error, callbacks},
    telemetry::{LogEvent, UpkeepFailed},
};

/// Pause between two writes.
const PAUSE: Duration = Duration::from_secs(5);

/// Pause after a failure.
const SOON: Duration = Duration::from_secs(30);

/// Deadline of one write.
const DEADLINE: Duration = Duration::from_secs(10);

/// Writer of the last events at the callback URLs.
#[derive(Clone, Debug)]
pub struct Reached {
    /// Connection options of the database.
    pub options: ConnectOptions,
    /// Events to write.
    pub callbacks: Callbacks,
}

impl Reached {
    /// Writes the events since the last call, and returns the pause before the next call.
    pub async fn write(&self) -> Duration {
        let seen = self.callbacks.take();
        if seen.is_empty() {
            return PAUSE;
        }
        let written = timeout(DEADLINE, self.write_once(&seen)).await;
        let Err(error) = written.unwrap_or(Err(Error::TimedOut)) else {
            return PAUSE;
        };
        self.callbacks.put_back(seen);
        UpkeepFailed {
            part: "callbacks",
            cause: error.cause(),
        }
        .emit();
        SOON
    }

    async fn write_once(&self, seen: &[callbacks::Seen]) -> Result<(), Error> {
        let mut connection = store::connect(&self.options, DEADLINE).await?;
        callbacks::note(&mut connection, seen).await
    }
}
