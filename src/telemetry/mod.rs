//! Log records and metrics: two catalogues, and one struct per happening.
//!
//! The macro `messages!` declares happenings as a table. Each is named in the past tense and emitted
//! in one line; [`LogEvent::emit`] writes its record and moves its metrics together. Imports nothing but F0, so labels come in as words.
//! Never here: a body, secret, token, signature, user name, text, IGSID or query string.
//!
//! Levels: ERROR means data lost or a human needed, WARN degraded but nothing lost, INFO the life
//! of the process, DEBUG one delivery.

pub mod door;
mod error;
pub mod life;
pub mod log;
pub mod messages;
pub mod meter;
pub mod metrics;
pub mod quarantine;
mod sparingly;
pub mod spool;
pub mod spool_watch;
pub mod store;
#[cfg(test)]
mod tests;
pub mod tunnel;

pub use door::{
    AcceptFailed, AppUnknown, ChallengeAnswered, ConnectionRefused, DeliverySettled, PanicCaught,
    PathUnknown, RejectionsCounted, Severity, SignatureMatched,
};
pub use error::Error;
pub use life::{
    DrainFinished, ListenerStarted, PostgresRestarted, ReloadFinished, StopRequested, Stopped,
};
pub use messages::{LogEvent, Message};
pub use meter::Meter;
pub use quarantine::{
    QuarantineFailed, QuarantineSize, RejectionNotQuarantined, RejectionQuarantined,
};
pub use spool::{DeliveryDrained, DeliveryPassedOver, SpoolRefused};
pub use spool_watch::{
    SpoolBegan, SpoolBlocked, SpoolDraining, SpoolEmptied, SpoolLeftBehind, SpoolOpened,
    SpoolSetAside, SpoolStalled, SpoolUnblocked,
};
pub use store::{
    CommitFailed, CommitsResumed, DatabaseAway, DatabaseOpened, DiskLow, DiskRoomy,
    DurabilityChanged, DurabilityRestored, EpochAdvanced, EventsRefused, FollowerMoved,
    FollowerResumed, FollowerStumbled, UpkeepFailed, WriterStuck,
};
pub use tunnel::{TunnelEnded, TunnelOpened, TunnelSaid, TunnelSilent};

/// The records of all parts.
pub const MESSAGES: [&[Message]; 8] = [
    life::MESSAGES,
    tunnel::MESSAGES,
    spool::MESSAGES,
    spool_watch::MESSAGES,
    store::MESSAGES,
    quarantine::MESSAGES,
    door::MESSAGES,
    log::MESSAGES,
];
