//! Log records and metrics: two catalogues, and one struct for each event.
//!
//! The macro `messages!` declares events as a table. Each is named in the past tense and emitted in
//! one line; [`LogEvent::emit`] writes the record and moves the metrics together. This room imports
//! only F0, so labels are words. Records and labels never contain a body, secret, token, signature,
//! user name, text, IGSID or query string.
//!
//! Levels: ERROR means data lost or a human needed, WARN degraded but nothing lost, INFO the life
//! of the process, DEBUG one delivery.

pub mod consumers;
pub mod destination;
mod error;
pub mod http;
pub mod life;
pub mod log;
pub mod messages;
pub mod meter;
pub mod metrics;
pub mod postgres;
pub mod quarantine;
pub mod samples;
mod sparingly;
pub mod spool;
pub mod spool_watch;
pub mod store;
#[cfg(test)]
mod tests;
pub mod tunnel;

pub use consumers::{
    ConsumerFailed, ConsumerFlushed, ConsumerMeasured, ConsumerMissed, ConsumerPaused,
    ConsumerRecovered, ConsumerReleased, ConsumerResumed, ConsumerRewound, ConsumerTaken,
    EventBuried, EventsHandedOut, EventsSkipped, FilterUnmatched, HorizonMeasured, LanesBlocked,
    LanesUnblocked, LeasesSettled, OwnershipLost,
};
pub use destination::{
    AttemptEnded, BreakerClosed, BreakerOpened, DestinationGone, DestinationsUnavailable,
    EventUnsent,
};
pub use error::Error;
pub use http::{
    AcceptFailed, AppUnknown, ChallengeAnswered, ConnectionRefused, DeliverySettled, LoginFailed,
    PanicCaught, PathUnknown, QueryFailed, RejectionsCounted, Severity, SignatureMatched,
};
pub use life::{
    AuditKeyFailed, ConnectionsLimited, DrainFinished, FileLimitUnraised, ListenerStarted,
    ManagerUnreachable, OwnTokenFailed, ReloadFinished, StopRequested, Stopped,
};
pub use messages::{LogEvent, Message};
pub use meter::Meter;
pub use postgres::PostgresRestarted;
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
    FollowerResumed, FollowerStumbled, UpkeepFailed, WakePollFailed, WakePollResumed, Woken,
    WriterStuck,
};
pub use tunnel::{TunnelEnded, TunnelOpened, TunnelSaid, TunnelSilent, TunnelStuck};

/// Targets of log records, with their subjects. `log.level` selects by them.
pub const TARGETS: [(&str, &str); 9] = [
    ("process", "start, reload, stop, panics"),
    ("http", "listeners, connections, deliveries, challenges"),
    ("quarantine", "deliveries without a valid signature"),
    ("spool", "spooling and draining"),
    ("store", "commits, maintenance, followers"),
    ("consumers", "consumers and destinations"),
    ("destination", "events sent to destinations"),
    ("postgres", "the private Postgres"),
    ("tunnel", "`serve --tunnel`"),
];

/// The records of all parts.
pub const MESSAGES: [&[Message]; 11] = [
    life::MESSAGES,
    tunnel::MESSAGES,
    spool::MESSAGES,
    spool_watch::MESSAGES,
    store::MESSAGES,
    consumers::MESSAGES,
    destination::MESSAGES,
    postgres::MESSAGES,
    quarantine::MESSAGES,
    http::MESSAGES,
    log::MESSAGES,
];
