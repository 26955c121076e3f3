//! What happens on the way into Postgres: commits that fail and resume, and the upkeep of tables.

use super::{Happening, metrics as catalogue};

/// A commit did not happen; its deliveries were not acked.
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

/// Postgres refused the events of a delivery, which was kept without them.
#[derive(Clone, Copy, Debug)]
pub struct EventsRefused {
    /// How many.
    pub events: usize,
}

impl EventsRefused {
    const SAID: &str = "events refused by Postgres; their delivery is kept";
}

impl Happening for EventsRefused {
    fn emit(self) {
        tracing::error!(events = self.events, "{}", Self::SAID);
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

/// The tables could not be kept up: partitions, the dedupe epoch, the counts of rejections.
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
