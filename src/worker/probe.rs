//! Asks Postgres now and then whether it is there and keeps what it commits, so that readiness can
//! tell without waiting.

use std::time::Duration;

use tokio::time::timeout;

use crate::{
    ingest::{DatabaseState, Drained},
    store::{
        self, ConnectOptions, Error,
        health::{self, Settings},
    },
    telemetry::{DurabilityChanged, DurabilityRestored, Happening},
};

const PAUSE: Duration = Duration::from_secs(5);

/// Longest time for one question.
const DEADLINE: Duration = Duration::from_secs(2);

/// A probe of Postgres. Clones share what it saw.
#[derive(Clone, Debug)]
pub struct Probe {
    /// Which database.
    pub options: ConnectOptions,
    /// `database.allow_lossy_commits`.
    pub allow_lossy: bool,
    /// State of Postgres at the last probe.
    pub state: DatabaseState,
    /// The drain of the spool, which goes on when Postgres takes writes again.
    pub drained: Drained,
}

impl Probe {
    /// Asks; says when to come again.
    pub async fn ask(&self) -> Duration {
        let settings = timeout(DEADLINE, self.settings()).await.ok();
        let settings = settings.and_then(Result::ok);
        let answered = settings.as_ref().is_some_and(Settings::takes_writes);
        if self.state.note(answered) {
            self.drained.wake();
        }
        // Without an answer the settings count as before.
        if let Some(off) = settings.map(|settings| settings.lossy())
            && self.state.note_lossy(&off)
        {
            tell(&off, self.allow_lossy);
        }
        PAUSE
    }

    async fn settings(&self) -> Result<Settings, Error> {
        let mut connection = store::connect(&self.options, DEADLINE).await?;
        health::settings(&mut connection).await
    }
}

fn tell(lossy: &[&str], allowed: bool) {
    match lossy {
        [] => DurabilityRestored.emit(),
        off => DurabilityChanged {
            off: off.join(", "),
            allowed,
        }
        .emit(),
    }
}
