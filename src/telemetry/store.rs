//! What happens on the way into Postgres and behind it: commits that fail and resume, the upkeep of
//! tables, and followers.

use super::{Happening, metrics as catalogue};

/// The server started without its database: deliveries go into the spool.
#[derive(Clone, Copy, Debug)]
pub struct DatabaseAway<'a> {
    /// What Postgres or the connection said, without a password.
    pub cause: &'a str,
}

impl DatabaseAway<'_> {
    const SAID: &'static str = "database away at the start";
}

impl Happening for DatabaseAway<'_> {
    fn emit(self) {
        let cause = self.cause;
        tracing::warn!(cause, "{}", Self::SAID);
    }
}

/// The database that was away at the start is there, with its schema.
#[derive(Clone, Copy, Debug)]
pub struct DatabaseOpened;

impl DatabaseOpened {
    const SAID: &str = "database opened";
}

impl Happening for DatabaseOpened {
    fn emit(self) {
        tracing::info!("{}", Self::SAID);
    }
}

/// The disk of the private Postgres has less room than `database.min_free`: nothing is committed.
#[derive(Clone, Copy, Debug)]
pub struct DiskLow {
    /// How many bytes are free.
    pub free: u64,
    /// How many have to be.
    pub least: u64,
}

impl DiskLow {
    const SAID: &str = "too little room on the disk of Postgres, nothing is committed";
}

impl Happening for DiskLow {
    fn emit(self) {
        let Self { free, least } = self;
        tracing::error!(free, least, "{}", Self::SAID);
    }
}

/// It has enough again.
#[derive(Clone, Copy, Debug)]
pub struct DiskRoomy {
    /// How many bytes are free.
    pub free: u64,
}

impl DiskRoomy {
    const SAID: &str = "room on the disk of Postgres again";
}

impl Happening for DiskRoomy {
    fn emit(self) {
        let free = self.free;
        tracing::info!(free, "{}", Self::SAID);
    }
}

/// A commit did not happen; its deliveries go into the spool, or are not acked.
#[derive(Clone, Debug)]
pub struct CommitFailed {
    /// The bounded word for why.
    pub code: &'static str,
    /// What Postgres or the connection said; carries no value of a delivery.
    pub cause: String,
    /// Whether it is the first after commits that succeeded.
    pub first: bool,
}

impl CommitFailed {
    const SAID: &str = "commit failed";
}

impl Happening for CommitFailed {
    fn emit(self) {
        let Self { code, cause, first } = self;
        if first {
            tracing::warn!(code, cause, "{}", Self::SAID);
        } else {
            tracing::debug!(code, cause, "{}", Self::SAID);
        }
        catalogue::COMMIT_FAILURES
            .counter([("code", code.into())])
            .increment(1);
    }
}

/// A commit succeeded again.
#[derive(Clone, Copy, Debug)]
pub struct CommitsResumed;

impl CommitsResumed {
    const SAID: &str = "commits resumed";
}

impl Happening for CommitsResumed {
    fn emit(self) {
        tracing::info!("{}", Self::SAID);
    }
}

/// Settings of Postgres that commits need were found off, or on again.
#[derive(Clone, Debug)]
pub struct DurabilityChanged {
    /// The settings that are off.
    pub off: Vec<&'static str>,
    /// Whether the configuration allows it.
    pub allowed: bool,
}

impl DurabilityChanged {
    const SAID: &str = "Postgres may lose what it has committed";
}

/// They are on again.
#[derive(Clone, Copy, Debug)]
pub struct DurabilityRestored;

impl DurabilityRestored {
    const SAID: &str = "Postgres keeps what it has committed again";
}

impl Happening for DurabilityRestored {
    fn emit(self) {
        tracing::info!("{}", Self::SAID);
    }
}

impl Happening for DurabilityChanged {
    fn emit(self) {
        let off = self.off.join(", ");
        if off.is_empty() {
            DurabilityRestored.emit();
        } else if self.allowed {
            tracing::info!(off, allowed = true, "{}", Self::SAID);
        } else {
            tracing::warn!(off, allowed = false, "{}", Self::SAID);
        }
    }
}

/// Postgres refused the events of a delivery, which was kept without them.
#[derive(Clone, Debug)]
pub struct EventsRefused {
    /// How many.
    pub events: usize,
    /// By which SQLSTATE and constraint; carries no value of an event.
    pub cause: String,
}

impl EventsRefused {
    const SAID: &str = "events refused by Postgres; their delivery is kept";
}

impl Happening for EventsRefused {
    fn emit(self) {
        let Self { events, cause } = self;
        tracing::error!(events, cause, "{}", Self::SAID);
    }
}

/// The writer has not made a turn for long, while deliveries wait for it.
#[derive(Clone, Copy, Debug)]
pub struct WriterStuck;

impl WriterStuck {
    const SAID: &str = "writer stuck; the service manager will restart the server";
}

impl Happening for WriterStuck {
    fn emit(self) {
        tracing::error!("{}", Self::SAID);
    }
}

/// The tables could not be kept up: partitions, the dedupe epoch, the counts of rejections,
/// what happened at the callback URLs.
#[derive(Clone, Debug)]
pub struct UpkeepFailed {
    /// Which part of it.
    pub part: &'static str,
    /// What Postgres or the connection said.
    pub cause: String,
}

impl UpkeepFailed {
    const SAID: &str = "upkeep failed";
}

impl Happening for UpkeepFailed {
    fn emit(self) {
        tracing::warn!(part = self.part, cause = self.cause, "{}", Self::SAID);
        catalogue::UPKEEP_FAILURES
            .counter([("part", self.part.into())])
            .increment(1);
    }
}

/// The dedupe keys of the window before the last were dropped, and a new window began.
#[derive(Clone, Copy, Debug)]
pub struct EpochAdvanced;

impl EpochAdvanced {
    const SAID: &str = "dedupe window began";
}

impl Happening for EpochAdvanced {
    fn emit(self) {
        tracing::info!("{}", Self::SAID);
    }
}

/// A follower of positions went as far as it could, or has come nearer to the end of the log.
#[derive(Clone, Debug)]
pub struct FollowerMoved {
    /// Its name.
    pub follower: String,
    /// Positions that it is behind.
    pub positions: i64,
    /// Since when, in seconds.
    pub seconds: f64,
}

impl Happening for FollowerMoved {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a gauge is a float; positions of interest are far below 2^53"
    )]
    fn emit(self) {
        let gauge =
            |metric: catalogue::Metric| metric.gauge([("follower", self.follower.clone().into())]);
        gauge(catalogue::FOLLOWER_LAG_POSITIONS).set(self.positions as f64);
        gauge(catalogue::FOLLOWER_LAG_SECONDS).set(self.seconds);
    }
}

/// A follower could not go on; it tries again from where it was.
#[derive(Clone, Debug)]
pub struct FollowerStumbled {
    /// Its name.
    pub follower: String,
    /// What Postgres or the connection said.
    pub cause: String,
    /// Whether it is the first time after it went well.
    pub first: bool,
}

impl FollowerStumbled {
    const SAID: &str = "follower stumbled";
}

impl Happening for FollowerStumbled {
    fn emit(self) {
        let Self {
            follower,
            cause,
            first,
        } = self;
        if first {
            tracing::warn!(follower, cause, "{}", Self::SAID);
        } else {
            tracing::debug!(follower, cause, "{}", Self::SAID);
        }
        catalogue::FOLLOWER_FAILURES
            .counter([("follower", follower.into())])
            .increment(1);
    }
}

/// A follower that had stumbled goes on.
#[derive(Clone, Debug)]
pub struct FollowerResumed {
    /// Its name.
    pub follower: String,
}

impl FollowerResumed {
    const SAID: &str = "follower resumed";
}

impl Happening for FollowerResumed {
    fn emit(self) {
        tracing::info!(follower = self.follower, "{}", Self::SAID);
    }
}
