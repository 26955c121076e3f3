//! The open spool and its drain, as status, metrics and log report them.

use std::{path::PathBuf, time::Instant};

use super::Drained;
use crate::{
    clock::Clock,
    spool::{Report, Settings, Spool},
};

/// An open spool, and the progress of its drain. Clones share both.
#[derive(Clone, Debug)]
pub struct Spooling {
    /// The spool.
    pub spool: Spool,
    /// Settings that it was opened with.
    pub settings: Settings,
    /// Progress of its drain.
    pub drained: Drained,
    /// The time.
    pub clock: Clock,
    /// Directories with deliveries that it does not drain.
    pub left_behind: Vec<PathBuf>,
}

impl Spooling {
    /// Its state now. Never waits.
    pub fn report(&self) -> Report {
        let draining = self.drained.progress(Instant::now());
        let (status, now) = (self.spool.status(), self.clock.now());
        Report::of(&self.settings, status, draining, now).beside(self.left_behind.clone())
    }
}
