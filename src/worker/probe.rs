//! Asks Postgres now and then whether it is there and keeps what it commits, so that readiness can
//! tell without waiting.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::timeout;

use super::Drained;
use crate::{
    store::{
        self, ConnectOptions, Error,
        health::{self, Settings},
    },
    telemetry::{DurabilityChanged, Happening},
};

const PAUSE: Duration = Duration::from_secs(5);

/// What one asking may take.
const DEADLINE: Duration = Duration::from_secs(2);

/// What was seen of Postgres when it was last asked. Clones share it.
#[derive(Clone, Debug)]
pub struct Probe {
    options: ConnectOptions,
    allow_lossy: bool,
    seen: Arc<Mutex<Seen>>,
    /// Whose pause ends when Postgres is back.
    drained: Drained,
}

#[derive(Debug, Default)]
struct Seen {
    answered: bool,
    /// Settings that are off although commits need them.
    lossy: Vec<&'static str>,
}

impl Probe {
    /// A probe of a database that has not been asked yet; `allow_lossy` is
    /// `database.allow_lossy_commits`.
    pub fn new(options: ConnectOptions, allow_lossy: bool) -> Self {
        Self {
            options,
            allow_lossy,
            seen: Arc::default(),
            drained: Drained::default(),
        }
    }

    /// The same, which has the drain of the spool go on when Postgres takes writes again.
    #[must_use]
    pub fn waking(self, drained: Drained) -> Self {
        Self { drained, ..self }
    }

    /// What is missing before deliveries can be stored for good.
    pub fn missing(&self) -> Vec<&'static str> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let away = (!seen.answered).then_some("database");
        let lossy = seen.lossy.iter().copied().filter(|_| !self.allow_lossy);
        away.into_iter().chain(lossy).collect()
    }

    /// Asks; says when to come again.
    pub async fn ask(&self) -> Duration {
        let settings = timeout(DEADLINE, self.settings()).await.ok();
        let settings = settings.and_then(Result::ok);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let before = seen.answered;
        seen.answered = settings.as_ref().is_some_and(Settings::takes_writes);
        if seen.answered && !before {
            self.drained.wake();
        }
        // One that does not answer is as it was.
        if let Some(lossy) = settings.map(|settings| settings.lossy())
            && lossy != seen.lossy
        {
            seen.lossy.clone_from(&lossy);
            DurabilityChanged {
                off: lossy,
                allowed: self.allow_lossy,
            }
            .emit();
        }
        PAUSE
    }

    async fn settings(&self) -> Result<Settings, Error> {
        let mut connection = store::connect(&self.options, DEADLINE).await?;
        health::settings(&mut connection).await
    }
}
