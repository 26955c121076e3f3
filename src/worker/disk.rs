//! Checks the free disk space of the private Postgres, which crashes on a full disk.

use std::{path::PathBuf, time::Duration};

use crate::{
    ingest::{Cause, CircuitBreaker},
    spool::DiskSpace,
    telemetry::{DiskLow, DiskRoomy, LogEvent},
};

const PAUSE: Duration = Duration::from_secs(1);

/// Opens the circuit breaker of commits while the disk has too little free space.
#[derive(Clone, Debug)]
pub struct Disk {
    /// A directory on the disk.
    pub dir: PathBuf,
    /// Value of `database.min_free`, in bytes.
    pub min_free: u64,
    /// The circuit breaker of commits.
    pub breaker: CircuitBreaker,
}

impl Disk {
    /// Checks the disk, and returns the pause before the next check. A disk whose free space cannot
    /// be read is left to Postgres.
    pub fn check(&self) -> Duration {
        if let Some(DiskSpace { free, .. }) = DiskSpace::of(&self.dir) {
            let least = self.min_free;
            // Hysteresis: commits resume at an eighth more than `min_free`, so that the breaker
            // does not flip with every file.
            if free < least && self.breaker.open(Cause::DiskLow) {
                DiskLow { free, least }.emit();
            } else if free >= least + least / 8 && self.breaker.close(Cause::DiskLow) {
                DiskRoomy { free }.emit();
            }
        }
        PAUSE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_breaker_is_open_while_there_is_less_room_than_asked_for() {
        let breaker = CircuitBreaker::new(false);
        let look = |min_free| {
            let disk = Disk {
                dir: std::env::temp_dir(),
                min_free,
                breaker: breaker.clone(),
            };
            disk.check();
            breaker.cause()
        };
        assert_eq!(look(1 << 10), None);
        assert_eq!(look(u64::MAX / 2), Some(Cause::DiskLow));
        assert_eq!(look(1 << 10), None);
    }
}
