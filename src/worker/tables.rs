//! Keeps the tables in shape: partitions made ahead, the dedupe window moved on, rejections
//! written down.

use std::{collections::BTreeMap, time::Duration};

use jiff::SignedDuration;
use tokio::time::timeout;

use crate::{
    clock::Clock,
    ingest::{Rejection, Tally},
    store::{self, ConnectOptions, Error, epoch, rejections},
    telemetry::{EpochAdvanced, Happening, RejectionsCounted, UpkeepFailed},
};

/// Days are made a week ahead, so that an hour is soon enough.
const PAUSE: Duration = Duration::from_hours(1);

/// After a failure.
const SOON: Duration = Duration::from_secs(30);

/// Dropping keys waits for those who read them.
const PATIENCE: Duration = Duration::from_mins(2);

/// Connecting, and writing counts.
const DEADLINE: Duration = Duration::from_secs(10);

/// How often counts of rejections are written.
const COUNTED: Duration = Duration::from_secs(5);

/// The upkeep of partitions and epochs.
#[derive(Clone, Debug)]
pub struct Tables {
    /// Which database.
    pub options: ConnectOptions,
    /// The time.
    pub clock: Clock,
    /// The dedupe window.
    pub window: SignedDuration,
}

impl Tables {
    /// Makes partitions ahead and moves the epoch if it is time; says when to come again.
    pub async fn keep(&self) -> Duration {
        let kept = timeout(PATIENCE, self.keep_once())
            .await
            .unwrap_or(Err(Error::TimedOut));
        match kept {
            Ok(advanced) => {
                if advanced {
                    EpochAdvanced.emit();
                }
                PAUSE
            }
            Err(error) => failed("tables", &error),
        }
    }

    async fn keep_once(&self) -> Result<bool, Error> {
        let mut connection = store::connect(&self.options, DEADLINE).await?;
        store::make_partitions(&mut connection, self.clock.now()).await?;
        epoch::advance(&mut connection, self.window, self.clock.now()).await
    }
}

/// The writing down of rejections.
#[derive(Clone, Debug)]
pub struct Rejected {
    /// Which database.
    pub options: ConnectOptions,
    /// What was counted.
    pub tally: Tally,
    /// `rejections.max_rows`.
    pub max_rows: u32,
}

impl Rejected {
    /// Writes what was counted since the last time; says when to come again.
    pub async fn write(&self) -> Duration {
        let counts = self.tally.take();
        if counts.is_empty() {
            return COUNTED;
        }
        let written = timeout(DEADLINE, self.write_once(&counts)).await;
        match written.unwrap_or(Err(Error::TimedOut)) {
            Ok(()) => {
                say(&counts);
                COUNTED
            }
            Err(error) => {
                self.tally.put_back(counts);
                failed("rejections", &error)
            }
        }
    }

    async fn write_once(&self, counts: &[rejections::Count]) -> Result<(), Error> {
        let mut connection = store::connect(&self.options, DEADLINE).await?;
        rejections::add(&mut connection, counts, self.max_rows).await
    }
}

/// Logs a record for each app and reason of a rejection; others were logged one by one.
fn say(counts: &[rejections::Count]) {
    let mut sums: BTreeMap<(&str, &'static str), i64> = BTreeMap::new();
    let is_rejection = |count: &&rejections::Count| {
        let mut all = Rejection::ALL.iter();
        all.any(|reason| reason.code() == count.reason)
    };
    for count in counts.iter().filter(is_rejection) {
        *sums.entry((&count.app, count.reason)).or_default() += count.count;
    }
    for ((app, reason), count) in sums {
        RejectionsCounted {
            app: app.into(),
            reason,
            count: count.unsigned_abs(),
        }
        .emit();
    }
}

fn failed(part: &'static str, error: &Error) -> Duration {
    UpkeepFailed {
        part,
        cause: error.cause(),
    }
    .emit();
    SOON
}
