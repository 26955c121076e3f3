//! A file of the spool as redb reads it: what a crash left looks as if it had been closed.
//!
//! redb opens a file that was not closed only to write in it: it brings its account of free pages
//! up to date. Where pages are damaged that writing may end the process. The spool does without: it
//! commits in two phases, so the last commit is whole on disk whenever redb's header names it, and
//! reading needs no more than that (the design of redb, "2-phase commit" and "Database header").

use std::{fs::File, io};

use redb::{DatabaseError, StorageBackend, backends::FileBackend};

/// Where the header has its flags, and two of them.
const FLAGS: u64 = 9;
const NOT_CLOSED: u8 = 2;
const TWO_PHASES: u8 = 4;

/// Reads a file and writes nothing.
#[derive(Debug)]
pub(super) struct Settled(FileBackend);

impl Settled {
    /// Reads `file`.
    pub(super) fn new(file: File) -> Result<Self, DatabaseError> {
        FileBackend::new(file).map(Self)
    }
}

impl StorageBackend for Settled {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)?;
        let flags = FLAGS.checked_sub(offset);
        let flags = flags.and_then(|at| out.get_mut(usize::try_from(at).ok()?));
        if let Some(flags) = flags.filter(|it| **it & TWO_PHASES != 0) {
            *flags &= !NOT_CLOSED;
        }
        Ok(())
    }

    fn set_len(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, _: u64, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn close(&self) -> io::Result<()> {
        self.0.close()
    }
}
