//! Writes down now and then what happened at the callback URLs.

use std::time::Duration;

use tokio::time::timeout;

use crate::{
    ingest::Callbacks,
    store::{self, ConnectOptions, Error, callbacks},
    telemetry::{Happening, UpkeepFailed},
};

/// How often it is written where something happened.
const PAUSE: Duration = Duration::from_secs(5);

/// After a failure.
const SOON: Duration = Duration::from_secs(30);

/// What one writing may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// The writing down of what happened at the callback URLs.
#[derive(Clone, Debug)]
pub struct Reached {
    /// Which database.
    pub options: ConnectOptions,
    /// What happened.
    pub callbacks: Callbacks,
}

impl Reached {
    /// Writes what happened since the last time; says when to come again.
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
