//! Free space of a disk.

use std::path::Path;

use nix::sys::statvfs::statvfs;

/// Space of the disk of a directory, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskSpace {
    /// Bytes that an unprivileged user can still write.
    pub free: u64,
    /// Size of the disk.
    pub total: u64,
}

impl DiskSpace {
    /// Space of the disk of `dir`; `None` if it cannot be read.
    pub fn of(dir: &Path) -> Option<Self> {
        let found = statvfs(dir).ok()?;
        let bytes = |blocks: u64| blocks.saturating_mul(found.fragment_size());
        Some(Self {
            free: bytes(found.blocks_available()),
            total: bytes(found.blocks()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_has_less_free_space_than_its_size() {
        let space = DiskSpace::of(&std::env::temp_dir()).unwrap();
        assert!(0 < space.total && space.free <= space.total);
        assert_eq!(DiskSpace::of(Path::new("/nowhere/at/all")), None);
    }
}
