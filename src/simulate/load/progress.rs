//! Progress of a run, and its early end.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio_util::sync::CancellationToken;

/// Watches a run and can end it. Clones watch the same run.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    counts: Arc<Counts>,
    stop: CancellationToken,
}

#[derive(Debug, Default)]
struct Counts {
    settled: AtomicU64,
    failures: AtomicU64,
}

impl Watch {
    /// Ends the run: nothing more is begun, and what is on its way has a moment to end.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Number of settled deliveries.
    pub fn settled(&self) -> u64 {
        self.counts.settled.load(Ordering::Relaxed)
    }

    /// Number of wrong answers, including the answers to retries.
    pub fn failures(&self) -> u64 {
        self.counts.failures.load(Ordering::Relaxed)
    }

    pub(super) async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }

    pub(super) fn count_settled(&self) {
        self.counts.settled.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_failure(&self) {
        self.counts.failures.fetch_add(1, Ordering::Relaxed);
    }
}
