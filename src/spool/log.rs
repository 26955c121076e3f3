//! One file of the spool: a redb database with the records in order.
//!
//! Records are only ever added at the end, by the handle that made the file and with redb. Any other
//! handle reads and writes nothing, not even to close it, and all reading is our own (`pages`). The
//! file goes as a whole when all of it was removed. So a damaged page costs what is on it and is
//! never built upon, and nothing has to be written to make room on a disk that is full.
//!
//! redb may panic where it meets what it did not write, so every call of it is guarded.

use std::{fs::File, io, path::Path};

use redb::{Database, Durability, StorageBackend, TableDefinition, backends::FileBackend};

use super::{
    directory::create,
    pages::{Pages, is_of_the_content},
};
use crate::telemetry::panics;

/// The records, numbered from 1 without a gap.
const RECORDS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("records");

/// What redb may keep of a file in memory.
const CACHE: usize = 16 << 20;

/// Why a file did not do what was asked.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Its content is not what was written: asking again does not help.
    Damaged,
    /// The system refuses; another time it may not.
    Disk(redb::Error),
}

impl From<redb::Error> for Trouble {
    fn from(error: redb::Error) -> Self {
        use redb::Error as E;
        match error {
            E::Io(error) if is_of_the_content(&error) => Self::Damaged,
            E::Corrupted(_)
            | E::UpgradeRequired(_)
            | E::RepairAborted
            | E::TableDoesNotExist(_)
            | E::TableIsMultimap(_)
            | E::TableTypeMismatch { .. }
            | E::TypeDefinitionChanged { .. } => Self::Damaged,
            error => Self::Disk(error),
        }
    }
}

/// Records of a file in their order.
#[derive(Debug, Default)]
pub(super) struct Stretch {
    /// Each with its number.
    pub(super) records: Vec<(u64, Vec<u8>)>,
    /// Whether a page of it is not what was written.
    pub(super) damaged: bool,
    /// What ended it early, if something did.
    pub(super) trouble: Option<Trouble>,
}

/// An open file.
#[derive(Debug)]
pub(super) struct Log {
    file: File,
    /// What it takes records by.
    made: Option<Database>,
    /// What is in it, where nobody writes any more: finding out may mean to read all of it. Not
    /// kept where something is damaged, since a disk may read it the next time.
    found: Option<Pages>,
}

impl Log {
    /// Makes a file without records.
    pub(super) fn create(path: &Path) -> Result<Self, Trouble> {
        let backend = FileBackend::new(create(path).map_err(redb::Error::from)?);
        let file = File::open(path).map_err(redb::Error::from)?;
        Self::make(backend.map_err(redb::Error::from)?, file)
    }

    /// Makes one in `backend`, which is read as `file`.
    pub(super) fn make(backend: impl StorageBackend, file: File) -> Result<Self, Trouble> {
        let mut builder = Database::builder();
        builder.set_cache_size(CACHE);
        let made = guarded(|| Ok(builder.create_with_backend(backend)?))?;
        let log = Self {
            file,
            made: Some(made),
            found: None,
        };
        log.write(|write| {
            write.open_table(RECORDS)?;
            Ok(())
        })?;
        Ok(log)
    }

    /// Opens a file that an earlier run, or an earlier handle, left as it was at any moment.
    pub(super) fn open(path: &Path) -> Result<Self, Trouble> {
        let file = File::open(path).map_err(|error| match error.kind() {
            // Somebody deleted it: asking again does not help.
            io::ErrorKind::NotFound => Trouble::Damaged,
            _ => Trouble::Disk(error.into()),
        })?;
        let found = Pages::open(&file).map_err(redb::Error::from)?;
        Ok(Self {
            file,
            made: None,
            found: Some(found).filter(|it| !it.is_damaged),
        })
    }

    /// What the last commit left in it.
    pub(super) fn pages(&self) -> io::Result<Pages> {
        self.found.map_or_else(|| Pages::open(&self.file), Ok)
    }

    /// Adds `records` behind number `last`; on disk when it returns.
    pub(super) fn append(&self, last: u64, records: &[Vec<u8>]) -> Result<(), Trouble> {
        self.write(|write| {
            let mut table = write.open_table(RECORDS)?;
            for (number, record) in (last + 1..).zip(records) {
                table.insert(number, record.as_slice())?;
            }
            Ok(())
        })
    }

    /// At most `most` records behind number `after`, until they have `bytes` or more.
    pub(super) fn read(&self, after: u64, most: usize, bytes: usize) -> Stretch {
        let mut stretch = Stretch::default();
        let mut taken = 0;
        let mut take = |number, record: &[u8]| {
            taken += record.len();
            stretch.records.push((number, record.to_vec()));
            stretch.records.len() < most && taken < bytes
        };
        let pages = self.pages();
        match pages.and_then(|pages| pages.read(&self.file, after, &mut take)) {
            Ok(damaged) => stretch.damaged = damaged,
            Err(error) => stretch.trouble = Some(redb::Error::from(error).into()),
        }
        stretch
    }

    /// One commit, on disk when it returns.
    fn write(
        &self,
        change: impl FnOnce(&redb::WriteTransaction) -> Result<(), redb::Error>,
    ) -> Result<(), Trouble> {
        guarded(|| {
            let made = self.made.as_ref();
            let database = made.ok_or(redb::Error::DatabaseClosed)?;
            let mut write = database.begin_write()?;
            write.set_durability(Durability::Immediate)?;
            // It is read as it is then, whenever the writing ends (`pages`).
            write.set_two_phase_commit(true);
            change(&write)?;
            Ok(write.commit()?)
        })
    }
}

impl Drop for Log {
    /// Closing what was made writes, and a disk may have anything in store.
    fn drop(&mut self) {
        let made = self.made.take();
        let _ = panics::guarded(|| drop(made));
    }
}

fn guarded<T>(call: impl FnOnce() -> Result<T, redb::Error>) -> Result<T, Trouble> {
    match panics::guarded(call) {
        Ok(done) => done.map_err(Trouble::from),
        Err(panics::GaveUp) => Err(Trouble::Damaged),
    }
}
