//! Fallback to the spool for deliveries that Postgres does not take in time.

use std::time::Instant;

use tokio_util::task::TaskTracker;

use super::{Caller, Durable, Failure, Waiting, parse};
use crate::{
    spool::Spool,
    store::Delivery,
    telemetry::{LogEvent, SpoolRefused},
};

/// The spool used by the committer. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct SpoolFallback {
    spool: Option<Spool>,
    /// Deliveries on their way into the spool, and pending answers.
    running: TaskTracker,
}

impl SpoolFallback {
    /// A fallback to `spool`. Without a spool, deliveries only get their failure.
    pub(super) fn new(spool: Option<Spool>) -> Self {
        Self {
            spool,
            running: TaskTracker::new(),
        }
    }

    /// True if there is a spool.
    pub(super) fn exists(&self) -> bool {
        self.spool.is_some()
    }

    /// Spools `one` and answers its caller. The answer is `failure` if the caller is gone or has a
    /// copy, if there is no spool, or if the spool refuses. Returns at once.
    pub(super) fn take(&self, one: Waiting, failure: Failure) {
        let Waiting {
            delivery, caller, ..
        } = one;
        let needs_a_copy = caller.is_waiting(Instant::now()) && !caller.has_a_copy();
        match &self.spool {
            Some(spool) if needs_a_copy => {
                self.spawn(keep(spool.clone(), delivery, caller, failure));
            }
            Some(_) | None => caller.settle(Err(failure)),
        }
    }

    /// Spawns `task`; [`finish`](Self::finish) waits for it.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.running.spawn(task);
    }

    /// Waits for all spawned tasks. No task may be spawned afterwards.
    pub(super) async fn finish(&self) {
        self.running.close();
        self.running.wait().await;
    }
}

/// Answers after the record is on disk. A hanging disk delays only this caller, who is answered by
/// the listener in time.
async fn keep(spool: Spool, delivery: Delivery, caller: Box<dyn Caller>, failure: Failure) {
    let kept = spool.append(&parse::record(delivery)).await;
    caller.settle(kept.map(|()| Durable::Spooled).map_err(|refused| {
        let code = refused.code();
        SpoolRefused { code }.emit();
        failure
    }));
}
