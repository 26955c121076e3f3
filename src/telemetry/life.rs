//! What happens to the process itself: start, reload, trouble with Postgres, stop.

use std::net::SocketAddr;

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
pub struct Stopped;

impl Stopped {
    const SAID: &str = "stopped";
}

impl Happening for Stopped {
    fn emit(self) {
        tracing::info!("{}", Self::SAID);
    }
}

/// The process was asked to stop.
#[derive(Clone, Copy, Debug)]
pub struct StopRequested {
    /// The signal, or what else asked.
    pub by: &'static str,
}

impl StopRequested {
    const SAID: &str = "stop requested";
}

impl Happening for StopRequested {
    fn emit(self) {
        tracing::info!(by = self.by, "{}", Self::SAID);
    }
}
