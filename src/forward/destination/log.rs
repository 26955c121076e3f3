//! Attempts that wait to be stored.

use std::sync::{Arc, Mutex, PoisonError};

use crate::store::attempts::StoredAttempt;

/// Maximum number of attempts in memory; more are dropped.
const MOST: usize = 10_000;

/// Attempts that wait to be stored. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct AttemptLog(Arc<Mutex<Vec<StoredAttempt>>>);

impl AttemptLog {
    /// Adds attempts, as many as there is space for.
    pub fn add(&self, attempts: impl IntoIterator<Item = StoredAttempt>) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let space = MOST - waiting.len();
        waiting.extend(attempts.into_iter().take(space));
    }

    /// Takes all attempts.
    pub fn take(&self) -> Vec<StoredAttempt> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
