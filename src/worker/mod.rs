//! Background loops: the only module with timers.
//!
//! Each loop works, pauses, and ends when the server stops. No loop is on the path of a delivery.
//! Failures are logged and retried.

mod attempts;
mod callbacks;
mod consumer;
mod destination;
mod disk;
mod drain;
mod follow;
mod gaps;
mod horizon;
mod logins;
mod probe;
mod restarts;
mod sessions;
mod spool_watch;
mod stream;
mod tables;
mod tunnel;
mod wake;

use std::time::Duration;

use tokio_util::sync::CancellationToken;

pub use attempts::Attempts;
pub use callbacks::Reached;
pub use consumer::{Consuming, Shared as ConsumerParts};
pub use destination::{Sender, Senders};
pub use disk::Disk;
pub use drain::Drain;
pub use follow::Following;
pub use gaps::{Gaps, Progress as GapProgress};
pub use horizon::Horizon;
pub use logins::record_failed_logins;
pub use probe::Probe;
pub use restarts::log_restarts;
pub use sessions::check_sessions;
pub use spool_watch::SpoolWatch;
pub use stream::Streaming;
pub use tables::{Rejected, Tables};
pub use tunnel::keep_tunnel;
pub use wake::WakePoll;

/// Repeats `work` until `stop`; `work` returns the pause before the next call.
pub async fn repeat<F: Future<Output = Duration>>(
    stop: CancellationToken,
    mut work: impl FnMut() -> F,
) {
    loop {
        let pause = work().await;
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Folds the histograms, which would grow without a scraper, and returns the pause before the next
/// call.
pub fn fold(metrics: &crate::telemetry::metrics::Exposition) -> Duration {
    metrics.fold();
    Duration::from_secs(5)
}

/// Tidies the quarantine, and returns the pause before the next call.
pub fn tidy(quarantine: &crate::quarantine::Quarantine) -> Duration {
    quarantine.tidy();
    Duration::from_mins(1)
}
