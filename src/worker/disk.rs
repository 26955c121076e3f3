//! Looks at the room on the disk of the private Postgres, which falls over where there is none.

use std::{path::PathBuf, time::Duration};

use nix::sys::statvfs::statvfs;

use crate::{
    ingest::{Cause, CircuitBreaker},
    telemetry::{DiskLow, DiskRoomy, Happening},
};

const PAUSE: Duration = Duration::from_secs(1);

/// Opens the circuit breaker of commits while there is too little room.
#[derive(Clone, Debug)]
pub struct Disk {
    /// A directory on it.
    pub dir: PathBuf,
    /// `database.min_free`, in bytes.
    pub min_free: u64,
    /// The breaker of commits.
    pub breaker: CircuitBreaker,
}

impl Disk {
    /// Looks; says when to come again. A disk that cannot be asked is left to Postgres.
    pub fn look(&self) -> Duration {
        if let Some(free) = free(&self.dir) {
            let least = self.min_free;
            // Commits go on with an eighth more than they stop with: not at every file that comes or
            // goes.
            if free < least && self.breaker.open(Cause::DiskLow) {
                DiskLow { free, least }.emit();
            } else if free >= least + least / 8 && self.breaker.close(Cause::DiskLow) {
                DiskRoomy { free }.emit();
            }
        }
        PAUSE
    }
}

/// How many bytes users who are not root can still write.
fn free(dir: &std::path::Path) -> Option<u64> {
    let found = statvfs(dir).ok()?;
    Some(
        found
            .blocks_available()
            .saturating_mul(found.fragment_size()),
    )
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
            disk.look();
            breaker.cause()
        };
        assert_eq!(look(1 << 10), None);
        assert_eq!(look(u64::MAX / 2), Some(Cause::DiskLow));
        assert_eq!(look(1 << 10), None);
    }
}
