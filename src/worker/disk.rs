//! Looks at the room on the disk of the private Postgres, which falls over where there is none.

use std::{path::PathBuf, time::Duration};

use nix::sys::statvfs::statvfs;

use crate::{
    ingest::{Closed, Gate},
    telemetry::{DiskLow, DiskRoomy, Happening},
};

const PAUSE: Duration = Duration::from_secs(1);

/// Closes the gate of commits while there is too little room.
#[derive(Clone, Debug)]
pub struct Disk {
    /// A directory on it.
    pub dir: PathBuf,
    /// `database.min_free`, in bytes.
    pub min_free: u64,
    /// What is closed.
    pub gate: Gate,
}

impl Disk {
    /// Looks; says when to come again. A disk that cannot be asked is left to Postgres.
    pub fn look(&self) -> Duration {
        if let Some(free) = free(&self.dir) {
            let least = self.min_free;
            // It opens with an eighth more than it closes with: not at every file that comes or goes.
            if free < least && self.gate.close(Closed::DiskLow) {
                DiskLow { free, least }.emit();
            } else if free >= least + least / 8 && self.gate.open(Closed::DiskLow) {
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
    fn the_gate_is_closed_while_there_is_less_room_than_asked_for() {
        let gate = Gate::default();
        let look = |min_free| {
            let dir = std::env::temp_dir();
            let gate = gate.clone();
            let disk = Disk {
                dir,
                min_free,
                gate,
            };
            disk.look();
        };
        look(1 << 10);
        assert_eq!(gate.closed(), None);
        look(u64::MAX / 2);
        assert_eq!(gate.closed(), Some(Closed::DiskLow));
        look(1 << 10);
        assert_eq!(gate.closed(), None);
    }
}
