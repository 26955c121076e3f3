//! Signal handling.

use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Error, Manager};
use crate::telemetry::{LogEvent, StopRequested};

/// Signals within this time count as one.
const TOGETHER: Duration = Duration::from_millis(100);

/// Handlers of SIGTERM, SIGINT and SIGHUP.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

/// Request made by a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// Stop; with the signal's name.
    Stop(&'static str),
    /// Reload the apps.
    Reload,
}

impl Signals {
    /// Installs the signal handlers.
    pub fn receive() -> Result<Self, Error> {
        let receive = |kind| signal(kind).map_err(Error::Signals);
        Ok(Self {
            terminate: receive(SignalKind::terminate())?,
            interrupt: receive(SignalKind::interrupt())?,
            hangup: receive(SignalKind::hangup())?,
        })
    }

    pub(super) async fn next(&mut self) -> Request {
        tokio::select! {
            _ = self.terminate.recv() => Request::Stop("SIGTERM"),
            _ = self.interrupt.recv() => Request::Stop("SIGINT"),
            _ = self.hangup.recv() => Request::Reload,
        }
    }

    /// Waits for a stop signal during the start, when there is nothing to reload yet.
    ///
    /// An interrupted start loses nothing: parts created so far are found by the next start, and a
    /// private Postgres that is starting is told to stop.
    pub async fn before_start(&mut self, manager: &Manager) {
        loop {
            if let Request::Stop(by) = self.next().await {
                StopRequested { by, in_flight: 0 }.emit();
                manager.stopping().await;
                return;
            }
        }
    }

    /// Waits for the second stop signal. Reload is ignored while stopping. A signal shortly after
    /// the first counts as the same one, sent to a process and to its group.
    pub(super) async fn again(&mut self, first: Instant) {
        while self.next().await == Request::Reload || first.elapsed() < TOGETHER {}
    }
}
