//! Measurement of the oldest transaction of another client, which slows the flushes of consumers.

use std::time::Duration;

use tokio::time::timeout;

use crate::{
    store::{self, ConnectOptions, Error, horizon},
    telemetry::{HorizonMeasured, LogEvent},
};

/// Pause between two measurements.
const PAUSE: Duration = Duration::from_mins(1);

/// Deadline of a measurement.
const DEADLINE: Duration = Duration::from_secs(10);

/// Measurement in the database at these options.
#[derive(Clone, Debug)]
pub struct Horizon(pub ConnectOptions);

impl Horizon {
    /// Measures once, and returns the pause before the next call. The metrics stay as they are if
    /// Postgres does not answer: the probe reports this.
    pub async fn measure(&self) -> Duration {
        if let Ok(Ok(oldest)) = timeout(DEADLINE, self.oldest()).await {
            let oldest = oldest.map(|it| {
                let behind = it.transactions.unsigned_abs();
                (it.kind.code(), it.age.unwrap_or_default(), behind)
            });
            HorizonMeasured { oldest }.emit();
        }
        PAUSE
    }

    async fn oldest(&self) -> Result<Option<horizon::Holder>, Error> {
        let mut connection = store::connect(&self.0, DEADLINE).await?;
        horizon::oldest(&mut connection).await
    }
}
