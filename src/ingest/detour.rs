//! The way around Postgres: what cannot be committed now is kept in the spool, if there is one.

use std::time::Instant;

use tokio_util::task::TaskTracker;

use super::{Caller, Failure, Kept, parse, queue::Waiting};
use crate::{
    spool::Spool,
    store::Delivery,
    telemetry::{Happening, SpoolRefused},
};

/// Where deliveries go that Postgres does not take now. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Detour {
    spool: Option<Spool>,
    /// Those on their way into the spool.
    taking: TaskTracker,
}

impl Detour {
    /// Into `spool`; without one there is no way around.
    pub(super) fn new(spool: Option<Spool>) -> Self {
        Self {
            spool,
            taking: TaskTracker::new(),
        }
    }

    /// Whether there is a spool.
    pub(super) fn exists(&self) -> bool {
        self.spool.is_some()
    }

    /// Keeps `one` and answers its caller; where nobody needs that, or it cannot be had, the answer
    /// is `failure`. Returns at once.
    pub(super) fn take(&self, one: Waiting, failure: Failure) {
        let Waiting {
            delivery, caller, ..
        } = one;
        let is_lost = caller.is_waiting(Instant::now()) && !caller.has_a_copy();
        match &self.spool {
            Some(spool) if is_lost => {
                let keeping = keep(spool.clone(), delivery, caller, failure);
                self.taking.spawn(keeping);
            }
            Some(_) | None => caller.settle(Err(failure)),
        }
    }

    /// Runs `telling`, and is not done before it.
    pub(super) fn spawn(&self, telling: impl Future<Output = ()> + Send + 'static) {
        self.taking.spawn(telling);
    }

    /// Waits until all that was on its way has its answer. Nothing more comes then.
    pub(super) async fn finish(&self) {
        self.taking.close();
        self.taking.wait().await;
    }
}

/// Answers after the record is on disk. A disk that hangs keeps only the callers that it has: they
/// are put off in time by the door.
async fn keep(spool: Spool, delivery: Delivery, caller: Box<dyn Caller>, failure: Failure) {
    let kept = spool.append(&parse::record(delivery)).await;
    caller.settle(kept.map(|()| Kept::Spooled).map_err(|refused| {
        let code = refused.code();
        SpoolRefused { code }.emit();
        failure
    }));
}
