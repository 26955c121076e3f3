//! What runs again and again beside the deliveries: the only place with timed loops.
//!
//! Each loop does its work, waits, and ends when the house stops. None is on the path of a
//! delivery; what fails is said and tried again.

mod callbacks;
mod disk;
mod drain;
mod follow;
mod probe;
pub mod rescue;
mod restarts;
mod spool_watch;
mod tables;
mod tunnel;

use std::time::Duration;

use tokio_util::sync::CancellationToken;

pub use callbacks::Reached;
pub use disk::Disk;
pub use drain::Drain;
pub use follow::Following;
pub use probe::Probe;
pub use restarts::tell_restarts;
pub use spool_watch::SpoolWatch;
pub use tables::{Rejected, Tables};
pub use tunnel::keep_tunnel;

/// Repeats `work` until `stop`; it says itself how long to wait before the next time.
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

/// Folds the histograms, which grow where nobody scrapes; says when to come again.
pub fn fold(metrics: &crate::telemetry::metrics::Exposition) -> Duration {
    metrics.fold();
    Duration::from_secs(5)
}

/// Looks after what is held of refused deliveries; says when to come again.
pub fn tidy(hold: &crate::held::Hold) -> Duration {
    hold.tidy();
    Duration::from_mins(1)
}
