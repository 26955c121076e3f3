//! Probes Postgres: checks that it accepts writes and commits durably, so that readiness can be
//! answered without waiting.

use std::time::Duration;

use tokio::time::timeout;

use crate::{
    ingest::{DatabaseState, Drained},
    store::{
        self, ConnectOptions, Error,
        health::{self, Settings},
    },
    telemetry::{DurabilityChanged, DurabilityRestored, LogEvent},
};

const PAUSE: Duration = Duration::from_secs(5);

/// Deadline of one probe.
const DEADLINE: Duration = Duration::from_secs(2);

/// A probe of Postgres. Clones share its result.
#[derive(Clone, Debug)]
pub struct Probe {
    /// Connection options of the database.
    pub options: ConnectOptions,
    /// Value of `database.allow_lossy_commits`.
    pub allow_lossy: bool,
    /// State of Postgres at the last probe.
    pub state: DatabaseState,
    /// Drain of the spool, which is woken when Postgres accepts writes again.
    pub drained: Drained,
}

impl Probe {
    /// Probes Postgres, and returns the pause before the next probe.
    pub async fn ask(&self) -> Duration {
        let settings = timeout(DEADLINE, self.settings()).await.ok();
        let settings = settings.and_then(Result::ok);
        let answered = settings.as_ref().is_some_and(Settings::takes_writes);
        if self.state.note(answered) {
            self.drained.wake();
        }
        // Without an answer the last known settings count.
        if let Some(off) = settings.map(|settings| settings.lossy())
            && self.state.note_lossy(&off)
        {
            log_durability(&off, self.allow_lossy);
        }
        PAUSE
    }

    async fn settings(&self) -> Result<Settings, Error> {
        let mut connection = store::connect(&self.options, DEADLINE).await?;
        health::settings(&mut connection).await
    }
}

fn log_durability(lossy: &[&str], allowed: bool) {
    match lossy {
        [] => DurabilityRestored.emit(),
        off => DurabilityChanged {
            off: off.join(", "),
            allowed,
        }
        .emit(),
    }
}
