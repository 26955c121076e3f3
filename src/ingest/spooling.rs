//! The open spool and its drain, as status, metrics and log report them.

use std::{path::PathBuf, time::Instant};

use super::Drained;
use crate::{
    clock::Clock,
    spool::{Settings, Spool, SpoolReport},
};

/// An open spool, and the progress of its drain. Clones share both.
#[derive(Clone, Debug)]
pub struct Spooling {
    /// The open spool.
    pub spool: Spool,
    /// Settings of the spool.
    pub settings: Settings,
    /// Progress of the drain.
    pub drained: Drained,
    /// Clock for ages.
    pub clock: Clock,
    /// Directories with deliveries that this server does not drain.
    pub left_behind: Vec<PathBuf>,
}

impl Spooling {
    /// Current state. Never waits.
    pub fn report(&self) -> SpoolReport {
        let draining = self.drained.progress(Instant::now());
        let (status, now) = (self.spool.status(), self.clock.now());
        SpoolReport::of(&self.settings, status, draining, now).beside(self.left_behind.clone())
    }
}
