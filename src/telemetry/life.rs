//! What happens to the process itself: start, reload, trouble with Postgres, stop.

use std::{net::SocketAddr, time::Duration};

use super::{Happening, metrics as catalogue};

/// A listener accepts connections.
#[derive(Clone, Copy, Debug)]
pub struct ListenerStarted {
    /// `public` or `admin`.
    pub listener: &'static str,
    /// Where.
    pub address: SocketAddr,
}

impl ListenerStarted {
    const SAID: &str = "listening";
}

impl Happening for ListenerStarted {
    fn emit(self) {
        tracing::info!(listener = self.listener, address = %self.address, "{}", Self::SAID);
    }
}

/// The apps were read again.
#[derive(Clone, Debug)]
pub struct ReloadFinished {
    /// How many apps there are now.
    pub apps: usize,
    /// Why the old ones were kept, for a person to read; carries no secret.
    pub fault: Option<String>,
}

impl ReloadFinished {
    const SAID: &str = "reload finished";
}

impl Happening for ReloadFinished {
    fn emit(self) {
        let result = match &self.fault {
            None => {
                tracing::info!(apps = self.apps, result = "swapped", "{}", Self::SAID);
                "swapped"
            }
            Some(fault) => {
                tracing::error!(apps = self.apps, result = "kept", fault, "{}", Self::SAID);
                "kept"
            }
        };
        catalogue::RELOADS
            .counter([("result", result.into())])
            .increment(1);
    }
}

/// The private Postgres had ended by itself and runs again.
#[derive(Clone, Copy, Debug)]
pub struct PostgresRestarted {
    /// How many times it has ended since this process began.
    pub attempt: u32,
}

impl PostgresRestarted {
    const SAID: &str = "private Postgres restarted";
}

impl Happening for PostgresRestarted {
    fn emit(self) {
        tracing::warn!(attempt = self.attempt, "{}", Self::SAID);
        catalogue::POSTGRES_RESTARTS.counter([]).increment(1);
    }
}

/// Everything has ended in order.
#[derive(Clone, Copy, Debug)]
pub struct Stopped {
    /// Since it was asked to.
    pub took: Duration,
}

impl Stopped {
    const SAID: &str = "stopped";
}

impl Happening for Stopped {
    fn emit(self) {
        tracing::info!(millis = millis(self.took), "{}", Self::SAID);
    }
}

/// The process was asked to stop.
#[derive(Clone, Copy, Debug)]
pub struct StopRequested {
    /// The signal, or what else asked.
    pub by: &'static str,
    /// Deliveries on their way: their head has arrived, their outcome is open.
    pub in_flight: usize,
}

impl StopRequested {
    const SAID: &str = "stop requested";
}

impl Happening for StopRequested {
    fn emit(self) {
        let (by, in_flight) = (self.by, self.in_flight);
        tracing::info!(by, in_flight, "{}", Self::SAID);
    }
}

/// After a stop was asked for, all deliveries on their way have ended or had their time.
#[derive(Clone, Copy, Debug)]
pub struct DrainFinished {
    /// Stored and answered with 200.
    pub acked: usize,
    /// Answered for good, and not stored.
    pub refused: usize,
    /// Neither: they come again.
    pub unfinished: usize,
    /// Since the stop was asked for.
    pub took: Duration,
}

impl DrainFinished {
    const SAID: &str = "deliveries in flight ended";
}

impl Happening for DrainFinished {
    fn emit(self) {
        let (acked, refused, unfinished) = (self.acked, self.refused, self.unfinished);
        let millis = millis(self.took);
        if unfinished == 0 {
            tracing::info!(acked, refused, unfinished, millis, "{}", Self::SAID);
        } else {
            tracing::warn!(acked, refused, unfinished, millis, "{}", Self::SAID);
        }
    }
}

fn millis(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}
