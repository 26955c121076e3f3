//! How the spool stands, as one sees it from second to second: what waits in it, whether it takes
//! more, and whether it empties.

use std::{path::PathBuf, time::Duration};

use super::{Happening, metrics as catalogue};

/// The spool was looked at.
#[derive(Clone, Copy, Debug, Default)]
pub struct SpoolMeasured {
    /// How many deliveries wait.
    pub records: u64,
    /// What they and their files count for.
    pub bytes: u64,
    /// What they may count for.
    pub max_bytes: u64,
    /// How much of the disk is held for it.
    pub reserved: u64,
    /// How long the oldest one has waited, in seconds; 0 where none waits.
    pub oldest_seconds: f64,
    /// How many files were set aside and are still there.
    pub files_set_aside: u64,
    /// How many records this run could not read.
    pub records_set_aside: u64,
    /// Whether it takes deliveries.
    pub takes: bool,
    /// How many deliveries this run has drained.
    pub drained: u64,
}

impl Happening for SpoolMeasured {
    /// Only metrics: it is measured every second.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a gauge is a float; exact below 8 PiB"
    )]
    fn emit(self) {
        for (metric, value) in [
            (catalogue::SPOOL_RECORDS, self.records as f64),
            (catalogue::SPOOL_BYTES, self.bytes as f64),
            (catalogue::SPOOL_MAX_BYTES, self.max_bytes as f64),
            (catalogue::SPOOL_RESERVED_BYTES, self.reserved as f64),
            (catalogue::SPOOL_OLDEST_SECONDS, self.oldest_seconds),
            (
                catalogue::SPOOL_FILES_SET_ASIDE,
                self.files_set_aside as f64,
            ),
            (
                catalogue::SPOOL_RECORDS_SET_ASIDE,
                self.records_set_aside as f64,
            ),
            (catalogue::SPOOL_TAKES, f64::from(u8::from(self.takes))),
        ] {
            metric.gauge([]).set(value);
        }
        catalogue::SPOOL_DRAINED.counter([]).absolute(self.drained);
    }
}

/// The spool was opened, with what an earlier run or another instance left in it.
#[derive(Clone, Copy, Debug)]
pub struct SpoolOpened {
    /// How many deliveries were found in it.
    pub records: u64,
}

impl SpoolOpened {
    const SAID: &str = "spool opened";
}

impl Happening for SpoolOpened {
    fn emit(self) {
        tracing::info!(records = self.records, "{}", Self::SAID);
    }
}

/// Deliveries lie in the directory of a spool that this server does not drain: it is off, or
/// another one was configured.
#[derive(Clone, Debug)]
pub struct SpoolLeftBehind {
    /// The directory.
    pub dir: PathBuf,
}

impl SpoolLeftBehind {
    const SAID: &str = "deliveries that got 200 lie in a spool that this server does not drain";
}

impl Happening for SpoolLeftBehind {
    fn emit(self) {
        tracing::error!(dir = %self.dir.display(), "{}", Self::SAID);
    }
}

/// Deliveries wait in the spool that was empty: Postgres did not take them in time.
#[derive(Clone, Copy, Debug)]
pub struct SpoolBegan {
    /// How many so far.
    pub records: u64,
}

impl SpoolBegan {
    const SAID: &str = "deliveries go into the spool";
}

impl Happening for SpoolBegan {
    fn emit(self) {
        tracing::warn!(records = self.records, "{}", Self::SAID);
    }
}

/// All that waited in the spool is in Postgres.
#[derive(Clone, Copy, Debug)]
pub struct SpoolEmptied {
    /// How many deliveries were drained since it last was empty.
    pub drained: u64,
    /// How long that is ago.
    pub after: Duration,
}

impl SpoolEmptied {
    const SAID: &str = "spool empty again";
}

impl Happening for SpoolEmptied {
    fn emit(self) {
        let (drained, seconds) = (self.drained, self.after.as_secs());
        tracing::info!(drained, seconds, "{}", Self::SAID);
    }
}

/// Something in the spool cannot be read; it is kept for a person.
#[derive(Clone, Copy, Debug)]
pub struct SpoolSetAside {
    /// How many files were set aside, or found so at the start.
    pub files: u64,
    /// How many records could not be read.
    pub records: u64,
}

impl SpoolSetAside {
    const SAID: &str = "a part of the spool cannot be read and was set aside";
}

impl Happening for SpoolSetAside {
    fn emit(self) {
        let Self { files, records } = self;
        tracing::error!(files, records, "{}", Self::SAID);
    }
}

/// The spool takes no deliveries.
#[derive(Clone, Debug)]
pub struct SpoolBlocked {
    /// The bounded word for why.
    pub code: String,
    /// The same for a person, with what to do.
    pub means: String,
}

impl SpoolBlocked {
    const SAID: &str = "spool takes nothing";
}

impl Happening for SpoolBlocked {
    fn emit(self) {
        let Self { code, means } = self;
        tracing::error!(code, means, "{}", Self::SAID);
    }
}

/// It takes deliveries again.
#[derive(Clone, Copy, Debug)]
pub struct SpoolUnblocked;

impl SpoolUnblocked {
    const SAID: &str = "spool takes deliveries again";
}

impl Happening for SpoolUnblocked {
    fn emit(self) {
        tracing::info!("{}", Self::SAID);
    }
}

/// What waits in the spool cannot be drained now; it is tried again.
#[derive(Clone, Debug)]
pub struct SpoolStalled {
    /// The bounded word for why.
    pub cause: String,
    /// What the disk of the spool said, where that is why.
    pub means: Option<String>,
    /// How many deliveries wait.
    pub records: u64,
}

impl SpoolStalled {
    const SAID: &str = "spool cannot be drained";
}

impl Happening for SpoolStalled {
    fn emit(self) {
        let Self {
            cause,
            means,
            records,
        } = self;
        tracing::warn!(cause, means, records, "{}", Self::SAID);
    }
}

/// It is drained again.
#[derive(Clone, Copy, Debug)]
pub struct SpoolDraining {
    /// How many deliveries wait still.
    pub records: u64,
}

impl SpoolDraining {
    const SAID: &str = "spool is drained again";
}

impl Happening for SpoolDraining {
    fn emit(self) {
        tracing::info!(records = self.records, "{}", Self::SAID);
    }
}
