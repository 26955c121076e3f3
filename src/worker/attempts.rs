//! Writes the attempts of destinations to Postgres.

use std::time::Duration;

use tokio::time::timeout;

use crate::{
    forward::destination::AttemptLog,
    store::{self, ConnectOptions, Error, attempts},
    telemetry::{LogEvent, UpkeepFailed},
};

/// Pause between two writes.
const PAUSE: Duration = Duration::from_secs(2);

/// Pause after a failure.
const SOON: Duration = Duration::from_secs(30);

/// Deadline of one write.
const DEADLINE: Duration = Duration::from_secs(10);

/// Writer of attempts.
#[derive(Clone, Debug)]
pub struct Attempts {
    /// Connection options of the database.
    pub options: ConnectOptions,
    /// Attempts to write.
    pub log: AttemptLog,
}

impl Attempts {
    /// Writes the attempts since the last call, and returns the pause before the next call.
    pub async fn write(&self) -> Duration {
        let attempts = self.log.take();
        if attempts.is_empty() {
            return PAUSE;
        }
        let written = timeout(DEADLINE, self.write_once(&attempts)).await;
        let Err(error) = written.unwrap_or(Err(Error::TimedOut)) else {
            return PAUSE;
        };
        self.log.add(attempts);
        UpkeepFailed {
            part: "attempts",
            cause: error.cause(),
        }
        .emit();
        SOON
    }

    async fn write_once(&self, attempts: &[attempts::StoredAttempt]) -> Result<(), Error> {
        let mut connection = store::connect(&self.options, DEADLINE).await?;
        attempts::write(&mut connection, attempts).await
    }
}
