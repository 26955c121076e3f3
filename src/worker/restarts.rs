//! Logs restarts of the private Postgres after a crash.

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    store::private::Health,
    telemetry::{LogEvent, PostgresRestarted},
};

/// Follows `health` until `stop`.
pub async fn log_restarts(stop: CancellationToken, mut health: watch::Receiver<Health>) {
    let mut attempt = 0;
    let mut was = *health.borrow_and_update();
    loop {
        let changed = tokio::select! {
            () = stop.cancelled() => return,
            changed = health.changed() => changed,
        };
        if changed.is_err() {
            return;
        }
        let is = *health.borrow_and_update();
        if (was, is) == (Health::Down, Health::Up) {
            attempt += 1;
            PostgresRestarted { attempt }.emit();
        }
        was = is;
    }
}
