//! One file of the spool: a redb database with the records in order.
//!
//! Records are only ever added at the end, by the handle that made the file. Any other reads it and
//! writes nothing, not even to close it; the file goes as a whole when all of it was removed. So a
//! damaged page costs what is on it and is never built upon, and nothing has to be written to make
//! room on a disk that is full.
//!
//! redb may panic where a damaged page looks whole enough, so every call of it is guarded. While it
//! writes it may panic once more on the way out, which no guard can catch and which ends the
//! process: one more reason not to write where a page may be damaged.
//!
//! What a file says of itself is compared where it could be wrong and look right: how many records
//! there are with the number of the last, and the root page with its checksum (`root`).
//!
//! Which of its two last commits is the last, redb says in one bit without a checksum. Where that
//! flips in a file that a crash left, the last commit is missing and nothing tells: it looks as if
//! the crash had come just before.

use std::{fmt, fs::File, io, path::Path};

use redb::{
    Builder, ConcurrencyMode, Database, Durability, ReadOnlyDatabase, ReadTransaction,
    ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition, backends::FileBackend,
};

use super::{directory::create, root, settled::Settled};
use crate::telemetry::panics;

/// The records, numbered from 1 without a gap.
const RECORDS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("records");

/// What redb may keep of a file in memory.
const CACHE: usize = 16 << 20;

/// The system's code for a disk that cannot read what it has.
const EIO: i32 = 5;

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

fn is_of_the_content(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, UnexpectedEof};
    matches!(error.kind(), InvalidData | UnexpectedEof) || error.raw_os_error() == Some(EIO)
}

/// What a file says of itself.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extent {
    /// Its last record.
    pub(super) last: u64,
    /// Whether it contradicts itself.
    pub(super) damaged: bool,
}

/// Records of a file in their order.
#[derive(Debug, Default)]
pub(super) struct Stretch {
    /// Each with its number.
    pub(super) records: Vec<(u64, Vec<u8>)>,
    /// What ended it early, if something did.
    pub(super) trouble: Option<Trouble>,
}

/// An open file.
#[derive(Debug)]
pub(super) struct Log(Option<Handle>);

enum Handle {
    /// It takes records.
    Made(Database),
    /// It is only read; and whether its root is the one that is meant.
    Found(ReadOnlyDatabase, bool),
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Made(_) => "Made",
            Self::Found(..) => "Found",
        })
    }
}

impl Log {
    /// Makes a file without records.
    pub(super) fn create(path: &Path) -> Result<Self, Trouble> {
        let backend = FileBackend::new(create(path).map_err(redb::Error::from)?);
        let made = guarded(|| Ok(builder().create_with_backend(backend?)?))?;
        let log = Self(Some(Handle::Made(made)));
        log.write(|write| {
            write.open_table(RECORDS)?;
            Ok(())
        })?;
        Ok(log)
    }

    /// Opens a file that an earlier run, or an earlier handle, left as it was at any moment.
    pub(super) fn open(path: &Path) -> Result<Self, Trouble> {
        Ok(Self(Some(guarded(|| find(path))?)))
    }

    /// What it says of itself.
    pub(super) fn extent(&self) -> Result<Extent, Trouble> {
        guarded(|| {
            let records = self.begin_read()?.open_table(RECORDS)?;
            let last = records.last()?.map_or(0, |(number, _)| number.value());
            let damaged = records.len()? != last || matches!(self.0, Some(Handle::Found(_, false)));
            Ok(Extent { last, damaged })
        })
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
        let read = guarded(|| self.read_into(&mut stretch.records, after, most, bytes));
        stretch.trouble = read.err();
        stretch
    }

    fn read_into(
        &self,
        records: &mut Vec<(u64, Vec<u8>)>,
        after: u64,
        most: usize,
        bytes: usize,
    ) -> Result<(), redb::Error> {
        let table = self.begin_read()?.open_table(RECORDS)?;
        let (mut last, mut taken) = (after, 0);
        let mut entries = table.range(after.saturating_add(1)..)?;
        // No further than asked for: after an error that nobody looked at, redb refuses all else.
        while records.len() < most && taken < bytes {
            let Some(entry) = entries.next() else { break };
            let (number, record) = entry?;
            // Damaged pages may lead back to where they began, and redb does not mind.
            if number.value() <= last {
                return Err(redb::Error::Corrupted("records out of order".to_owned()));
            }
            last = number.value();
            taken += record.value().len();
            records.push((last, record.value().to_vec()));
        }
        Ok(())
    }

    /// One commit, on disk when it returns.
    fn write(
        &self,
        change: impl FnOnce(&redb::WriteTransaction) -> Result<(), redb::Error>,
    ) -> Result<(), Trouble> {
        guarded(|| {
            let Some(Handle::Made(database)) = &self.0 else {
                return Err(redb::Error::DatabaseClosed);
            };
            let mut write = database.begin_write()?;
            write.set_durability(Durability::Immediate)?;
            // It is read as it is then, whenever the writing ends (`settled`).
            write.set_two_phase_commit(true);
            change(&write)?;
            Ok(write.commit()?)
        })
    }

    fn begin_read(&self) -> Result<ReadTransaction, redb::Error> {
        match &self.0 {
            Some(Handle::Made(database)) => Ok(database.begin_read()?),
            Some(Handle::Found(database, _)) => Ok(database.begin_read()?),
            None => Err(redb::Error::DatabaseClosed),
        }
    }
}

impl Drop for Log {
    /// Closing what was made writes, and a disk may have anything in store.
    fn drop(&mut self) {
        let handle = self.0.take();
        let _ = panics::guarded(|| drop(handle));
    }
}

fn find(path: &Path) -> Result<Handle, redb::Error> {
    let file = File::open(path).map_err(|error| match error.kind() {
        // Somebody deleted it: asking again does not help.
        io::ErrorKind::NotFound => redb::Error::Corrupted("gone".to_owned()),
        _ => error.into(),
    })?;
    let mut builder = builder();
    builder.set_concurrency_mode(ConcurrencyMode::SingleWriter);
    let found = builder.open_read_only_with_backend(Settled(file))?;
    let is_meant = root::is_meant(&File::open(path)?)?;
    Ok(Handle::Found(found, is_meant))
}

fn builder() -> Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE);
    builder
}

fn guarded<T>(call: impl FnOnce() -> Result<T, redb::Error>) -> Result<T, Trouble> {
    match panics::guarded(call) {
        Ok(done) => done.map_err(Trouble::from),
        Err(panics::GaveUp) => Err(Trouble::Damaged),
    }
}
