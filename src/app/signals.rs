//! The signals that the server obeys.

use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Error, Manager};
use crate::telemetry::{Happening, StopRequested};

/// Signals so close to each other are one wish.
const TOGETHER: Duration = Duration::from_millis(100);

/// The signals that the server obeys.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// To stop; with the signal's name.
    Stop(&'static str),
    /// To read the apps again.
    Reload,
}

impl Signals {
    /// Receives them from here on.
    pub fn receive() -> Result<Self, Error> {
        let receive = |kind| signal(kind).map_err(Error::Signals);
        Ok(Self {
            terminate: receive(SignalKind::terminate())?,
            interrupt: receive(SignalKind::interrupt())?,
            hangup: receive(SignalKind::hangup())?,
        })
    }

    pub(super) async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::Stop("SIGTERM"),
            _ = self.interrupt.recv() => Asked::Stop("SIGINT"),
            _ = self.hangup.recv() => Asked::Reload,
        }
    }

    /// The signal that comes before there is anything to reload.
    ///
    /// Whoever stops waiting for a start by it loses nothing: what was made so far is found again,
    /// and a private Postgres on its way up is told to end.
    pub async fn before_start(&mut self, manager: &Manager) {
        loop {
            if let Asked::Stop(by) = self.next().await {
                StopRequested { by, in_flight: 0 }.emit();
                manager.stopping().await;
                return;
            }
        }
    }

    /// The second signal. While stopping there is nothing to reload any more; and what comes
    /// together with the first is the same wish, sent to a process and to its group.
    pub(super) async fn again(&mut self, first: Instant) {
        while self.next().await == Asked::Reload || first.elapsed() < TOGETHER {}
    }
}
