//! Table maintenance: creates partitions ahead, moves the dedupe window, and writes counts of
//! rejections.

use std::{collections::BTreeMap, time::Duration};

use jiff::SignedDuration;
use tokio::time::timeout;

use crate::{
    clock::Clock,
    ingest::{Rejection, Tally},
    store::{
        self, ConnectOptions, Error, attempts, audit, epoch, partitions, rejections, sessions,
    },
    telemetry::{EpochAdvanced, LogEvent, RejectionsCounted, UpkeepFailed},
};

/// Pause. Partitions are made a week ahead, so an hour is often enough.
const PAUSE: Duration = Duration::from_hours(1);

/// Pause after a failure.
const SOON: Duration = Duration::from_secs(30);

/// Deadline of the maintenance. Dropping an epoch waits for its readers.
const PATIENCE: Duration = Duration::from_mins(2);

/// Deadline for connecting, and for writing counts.
const DEADLINE: Duration = Duration::from_secs(10);

/// Pause between two writes of rejection counts.
const COUNTED: Duration = Duration::from_secs(5);

/// Maintenance of partitions and epochs.
#[derive(Clone, Debug)]
pub struct Tables {
    /// Connection options of the database.
    pub options: ConnectOptions,
    /// Clock for partitions and epochs.
    pub clock: Clock,
    /// Length of the dedupe window.
    pub window: SignedDuration,
}

impl Tables {
    /// Creates partitions ahead, notes dropped days, deletes old entries of the audit and expired
    /// sessions, advances the epoch if due, and drops old attempts. Returns the pause before the next
    /// call.
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
        partitions::note_days(&mut connection, self.clock.now()).await?;
        audit::delete_old(&mut connection).await?;
        sessions::remove_expired(&mut connection, self.clock.now()).await?;
        let advanced = epoch::advance(&mut connection, self.window, self.clock.now()).await?;
        attempts::drop_old(&mut connection, self.clock.now()).await?;
        Ok(advanced)
    }
}

/// Writer of rejection counts.
#[derive(Clone, Debug)]
pub struct Rejected {
    /// Connection options of the database.
    pub options: ConnectOptions,
    /// Counts to write.
    pub tally: Tally,
    /// Value of `rejections.max_rows`.
    pub max_rows: u32,
}

impl Rejected {
    /// Writes the counts since the last call, and returns the pause before the next call.
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

/// Logs one record for each app and rejection reason; other requests were logged one by one.
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
