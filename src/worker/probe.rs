//! Asks Postgres now and then whether it is there, so that readiness can tell without waiting.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::store::{self, ConnectOptions};

const PAUSE: Duration = Duration::from_secs(5);

/// What one asking may take.
const DEADLINE: Duration = Duration::from_secs(2);

/// Whether Postgres answered when it was last asked. Clones share it.
#[derive(Clone, Debug)]
pub struct Probe {
    options: ConnectOptions,
    answered: Arc<AtomicBool>,
}

impl Probe {
    /// A probe of a database that has just answered.
    pub fn new(options: ConnectOptions) -> Self {
        Self {
            options,
            answered: Arc::new(AtomicBool::new(true)),
        }
    }

    /// Whether it answered.
    pub fn answered(&self) -> bool {
        self.answered.load(Ordering::Relaxed)
    }

    /// Asks; says when to come again.
    pub async fn ask(&self) -> Duration {
        let answered = store::can_write(&self.options, DEADLINE).await;
        self.answered.store(answered, Ordering::Relaxed);
        PAUSE
    }
}
