//! What is said about all of it: log records and metrics, one struct per happening.
//!
//! Each happening is named in the past tense and emitted in one line; [`Happening::emit`] writes
//! its record and moves its metrics together. Imports nothing but F0, so labels come in as words.
//! Never here: a body, secret, token, signature, user name, text, IGSID or query string.
//!
//! Levels: ERROR means data lost or a human needed, WARN degraded but nothing lost, INFO the life
//! of the process, DEBUG one delivery.

pub mod door;
pub mod held;
pub mod life;
pub mod log;
pub mod meter;
pub mod metrics;
mod sparingly;
pub mod spool;
pub mod spool_watch;
pub mod store;
#[cfg(test)]
mod tests;
pub mod tunnel;

pub use door::{
    AcceptFailed, AppUnknown, ChallengeAnswered, ConnectionRefused, DeliverySettled, PanicCaught,
    PathUnknown, RejectionsCounted, SignatureMatched,
};
pub use held::{HoldFailed, RejectionHeld, RejectionNotHeld, RejectionsHeld};
pub use life::{
    DrainFinished, ListenerStarted, PostgresRestarted, ReloadFinished, StopRequested, Stopped,
};
pub use meter::Meter;
pub use spool::{DeliveryDrained, DeliveryPassedOver, SpoolRefused};
pub use spool_watch::{
    SpoolBegan, SpoolBlocked, SpoolDraining, SpoolEmptied, SpoolLeftBehind, SpoolMeasured,
    SpoolOpened, SpoolSetAside, SpoolStalled, SpoolUnblocked,
};
pub use store::{
    CommitFailed, CommitsResumed, DatabaseAway, DatabaseOpened, DiskLow, DiskRoomy,
    DurabilityChanged, DurabilityRestored, EpochAdvanced, EventsRefused, FollowerMoved,
    FollowerResumed, FollowerStumbled, UpkeepFailed, WriterStuck,
};
pub use tunnel::{TunnelEnded, TunnelOpened, TunnelSaid, TunnelSilent};

/// Something that happened and is worth a log record, a metric or both.
pub trait Happening {
    /// Writes the record and moves the metrics.
    fn emit(self);
}

/// How loud the record of a happening is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// One of many: DEBUG.
    Routine,
    /// Degraded, nothing lost: WARN.
    Degraded,
    /// Lost, or a human is needed: ERROR.
    Grave,
}

/// Writes one record at a [`Severity`] known only at run time.
macro_rules! say {
    ($severity:expr, $($record:tt)+) => {
        match $severity {
            $crate::telemetry::Severity::Routine => tracing::debug!($($record)+),
            $crate::telemetry::Severity::Degraded => tracing::warn!($($record)+),
            $crate::telemetry::Severity::Grave => tracing::error!($($record)+),
        }
    };
}
use say;

/// Why logs or metrics could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Somebody else in the process receives the log already.
    #[error("the log of this process has been set up before")]
    Log(#[source] tracing_subscriber::util::TryInitError),
    /// The metrics could not be set up.
    #[error("the metrics of this process could not be set up")]
    Metrics(#[source] metrics_exporter_prometheus::BuildError),
}
