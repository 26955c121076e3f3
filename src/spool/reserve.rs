//! Disk space reserved for the spool, so that it can still write when something else fills the
//! disk.
//!
//! The reserve is an allocated file of zeros. It shrinks as the spool grows, so that both together
//! take the same space. When the spool is empty, the reserve is allocated again.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::PathBuf,
};

use nix::{fcntl::posix_fallocate, sys::statvfs::fstatvfs};

/// Name of the reserve file.
pub(super) const FILE: &str = "reserve";

/// Bytes given up ahead of need, because a file system writes metadata blocks too.
const AHEAD: u64 = 4 << 20;

/// The reserve file.
#[derive(Debug)]
pub(super) struct Reserve {
    path: PathBuf,
    wanted: u64,
    held: u64,
    /// True if this run has checked that the blocks are allocated: a copied file may be sparse.
    checked: bool,
}

impl Reserve {
    /// A reserve of `wanted` bytes at `path`. A file of an earlier run counts.
    pub(super) fn at(path: PathBuf, wanted: u64) -> Self {
        let held = std::fs::metadata(&path).map_or(0, |it| it.len());
        let checked = false;
        Self {
            path,
            wanted,
            held,
            checked,
        }
    }

    /// Bytes reserved now.
    pub(super) fn held(&self) -> u64 {
        self.held
    }

    /// Bytes to reserve while the spool is empty.
    pub(super) fn wanted(&self) -> u64 {
        self.wanted
    }

    /// Shrinks the reserve for a spool of `used` bytes.
    pub(super) fn give(&mut self, used: u64) -> io::Result<()> {
        self.shrink(self.left(used))
    }

    /// Shrinks the reserve further, because the disk is full although enough was given up. Returns
    /// true if there was anything left to give.
    pub(super) fn give_more(&mut self) -> io::Result<bool> {
        let held = self.held;
        self.shrink((held.saturating_sub(AHEAD) >> 20) << 20)?;
        Ok(held > 0)
    }

    /// Allocates the whole reserve, for an empty spool. If the disk lacks the room, the reserve
    /// keeps its size: see [`Self::held`].
    pub(super) fn take(&mut self) -> io::Result<()> {
        let nothing = self.held == 0 && self.wanted == 0;
        if nothing || self.held == self.wanted && self.checked {
            return Ok(());
        }
        let left = self.wanted;
        let file = self.file()?;
        let there = file.metadata()?;
        if there.len() > left {
            file.set_len(left)?;
            self.held = left;
        }
        let whole = there.len() >= left && there.blocks() * 512 >= left;
        if !whole && left > 0 {
            check_room(&file, left)?;
            allocate(&file, left)?;
        }
        self.held = left;
        self.checked = true;
        file.sync_all()
    }

    fn shrink(&mut self, left: u64) -> io::Result<()> {
        if self.held > left {
            let file = OpenOptions::new().write(true).open(&self.path)?;
            file.set_len(left)?;
            self.held = left;
        }
        Ok(())
    }

    fn file(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        options.mode(0o600).open(&self.path)
    }

    /// Reserve beside a spool of `used` bytes, in whole mebibytes to avoid frequent changes.
    fn left(&self, used: u64) -> u64 {
        (self.wanted.saturating_sub(used + AHEAD) >> 20) << 20
    }
}

/// Fails if the disk lacks room for `bytes` in the file. Without this check, a failing allocation
/// would fill the disk for a moment and hit every other process that writes there.
fn check_room(file: &File, bytes: u64) -> io::Result<()> {
    let there = file.metadata()?.blocks() * 512;
    let disk = fstatvfs(file)?;
    let free = disk.blocks_available().saturating_mul(disk.fragment_size());
    if free < bytes.saturating_sub(there) {
        return Err(io::ErrorKind::StorageFull.into());
    }
    Ok(())
}

/// Extends the file to `bytes` with allocated blocks. On failure the length stays as before.
fn allocate(file: &File, bytes: u64) -> io::Result<()> {
    let before = file.metadata()?.len();
    let bytes = i64::try_from(bytes).map_err(|_| io::ErrorKind::FileTooLarge)?;
    posix_fallocate(file, 0, bytes).map_err(|errno| {
        let _ = file.set_len(before);
        io::Error::from(errno)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn spool_and_reserve_together_take_the_same_room() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join(FILE);
        let on_disk = || std::fs::metadata(&path).unwrap().blocks() * 512;
        let mut reserve = Reserve::at(path.clone(), 16 * MIB);
        reserve.take().unwrap();
        assert!(on_disk() >= 16 * MIB, "{}", on_disk());
        reserve.give(5 * MIB).unwrap();
        assert_eq!((reserve.held(), on_disk()), (7 * MIB, 7 * MIB));
        reserve.give(100 * MIB).unwrap();
        assert_eq!((reserve.held(), on_disk()), (0, 0));
        reserve.take().unwrap();
        assert!(on_disk() >= 16 * MIB);
        assert!(reserve.give_more().unwrap());
        assert_eq!((reserve.held(), on_disk()), (12 * MIB, 12 * MIB));
        while reserve.give_more().unwrap() {}
        assert_eq!((reserve.held(), on_disk()), (0, 0));
        reserve.take().unwrap();
        reserve.wanted = 1 << 60;
        let too_much = reserve.take().unwrap_err();
        assert_eq!(too_much.kind(), io::ErrorKind::StorageFull);
        assert_eq!((reserve.held(), on_disk()), (16 * MIB, 16 * MIB));
        let mut smaller = Reserve::at(path.clone(), 2 * MIB);
        smaller.take().unwrap();
        assert_eq!(on_disk(), 2 * MIB);
    }
}
