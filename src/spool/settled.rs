//! A file of the spool as redb reads it: nothing of it is ever written, whatever state it was left
//! in.
//!
//! redb brings a file in order that a crash left, or that is longer or shorter than it says, and
//! writes for that. Where pages are damaged, writing may end the process. The spool does without:
//! it commits in two phases, so the last commit is whole on disk whenever the header names it, and
//! reading needs no more than that. redb reads so where another process may be writing
//! (`ConcurrencyMode::SingleWriter`): it goes by the header alone, neither by the account of free
//! pages nor by the length of the file (the design of redb, "2-phase commit" and "Header
//! synchronization"). Nobody writes here, and the directory is this process' own: every lock is
//! free and is had.

use std::{
    fs::File,
    io::{self, ErrorKind::ReadOnlyFilesystem},
    ops::Bound,
    os::unix::fs::FileExt,
};

use redb::{BackendError, StorageBackend};

/// Where the header has its flags, and those of a writer that is at work or was.
const FLAGS: u64 = 9;
const WRITING: u8 = 2 | 8;

/// Where it says how long the file is, in parts and pages, and the shortest that it can say: that
/// is checked, and a crash may have come between saying and doing it.
const LENGTH: u64 = 24;
const SHORTEST: [u8; 8] = [0, 0, 0, 0, 1, 0, 0, 0];

/// Reads a file and writes nothing.
#[derive(Debug)]
pub(super) struct Settled(pub(super) File);

impl StorageBackend for Settled {
    fn len(&self) -> io::Result<u64> {
        self.0.metadata().map(|it| it.len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(out, offset)?;
        if let Some([flags]) = part(out, offset, FLAGS) {
            *flags &= !WRITING;
        }
        if let Some(length) = part(out, offset, LENGTH) {
            *length = SHORTEST;
        }
        Ok(())
    }

    fn set_len(&self, _: u64) -> io::Result<()> {
        Err(ReadOnlyFilesystem.into())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, _: u64, _: &[u8]) -> io::Result<()> {
        Err(ReadOnlyFilesystem.into())
    }

    fn try_lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<bool, BackendError> {
        Ok(true)
    }

    fn try_lock_shared_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<bool, BackendError> {
        Ok(true)
    }

    fn lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<(), BackendError> {
        Ok(())
    }

    fn lock_shared_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<(), BackendError> {
        Ok(())
    }

    fn unlock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<(), BackendError> {
        Ok(())
    }

    fn query_lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<bool, BackendError> {
        Ok(false)
    }
}

/// What was read from `offset` on has at `at`, if it reaches there.
fn part<const N: usize>(read: &mut [u8], offset: u64, at: u64) -> Option<&mut [u8; N]> {
    let from = usize::try_from(at.checked_sub(offset)?).ok()?;
    read.get_mut(from..)?.first_chunk_mut()
}
