//! What the service manager is told: systemd, or another that sets `NOTIFY_SOCKET` as it does.
//! Where nobody asked, telling does nothing.

use std::time::{Duration, Instant};

use sd_notify::NotifyState;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::Started;
use crate::{
    ingest::{Pulse, Watch},
    telemetry::{Happening, WriterStuck},
    worker,
};

/// Deliveries are accepted.
pub(super) fn ready(started: &Started) {
    let status = format!(
        "accepting deliveries on {}, storing them in {}",
        started.public, started.database
    );
    tell(&[NotifyState::Ready, NotifyState::Status(&status)]);
}

/// The configuration is being read again. The time tells the manager which of two this one is.
pub(super) fn reloading() {
    let now = NotifyState::monotonic_usec_now();
    let states: Vec<_> = [NotifyState::Reloading].into_iter().chain(now).collect();
    tell(&states);
}

/// Nothing new is accepted.
pub(super) fn stopping() {
    let status = NotifyState::Status("answering what is in flight");
    tell(&[NotifyState::Stopping, status]);
}

/// Shows the manager's watchdog, where there is one, that the server is well, until the handle is
/// dropped: the runtime still keeps time, and the writer gets on.
pub(super) fn watched(pulse: Pulse) -> Option<AbortOnDropHandle<()>> {
    let patience = sd_notify::watchdog_enabled().filter(|patience| !patience.is_zero())?;
    let mut watch = Watch::new(pulse, Instant::now());
    let mut well = true;
    let beat = move || {
        let was = std::mem::replace(&mut well, watch.is_well(Instant::now()));
        if well {
            tell(&[NotifyState::Watchdog]);
        } else if was {
            WriterStuck.emit();
        }
        std::future::ready(pause(patience))
    };
    let beats = worker::repeat(CancellationToken::new(), beat);
    Some(AbortOnDropHandle::new(tokio::spawn(beats)))
}

/// Twice within the manager's patience, as systemd asks for.
fn pause(patience: Duration) -> Duration {
    patience / 2
}

/// A manager that cannot be reached will act by its own lights; the server goes on.
fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager cannot be told how the server is");
    }
}
