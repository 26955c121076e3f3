//! One file of the spool: a redb database with the records in order and how far they were removed.
//!
//! Records are only ever added at the end. Removing moves a number; the file goes as a whole when
//! all of it was removed. So a damaged page costs what is on it and is never built upon, and
//! nothing has to be written to make room on a disk that is full.
//!
//! redb may panic where a damaged page looks whole enough, so every call of it is guarded.

use std::{
    fs::File,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use redb::{
    Database, Durability, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition,
    backends::FileBackend,
};

use super::directory::create;
use crate::sealed::checksum;

/// The records, numbered from 1 without a gap.
const RECORDS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("records");
/// Under one key, how far the records were removed, as [`state`] writes it.
const STATE: TableDefinition<'_, u8, &[u8]> = TableDefinition::new("state");

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
    /// Its last record that was removed.
    pub(super) removed: u64,
    /// The first that was passed over.
    pub(super) unreadable: Option<u64>,
    /// Whether it contradicts itself; then nothing of it counts as removed.
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
pub(super) struct Log(Option<Database>);

impl Log {
    /// Makes a file without records.
    pub(super) fn create(path: &Path) -> Result<Self, Trouble> {
        let log = guarded(|| Ok(Self(Some(database(create(path)?)?))))?;
        log.write(|write| {
            write.open_table(RECORDS)?;
            write.open_table(STATE)?;
            Ok(())
        })?;
        Ok(log)
    }

    /// Opens a file that an earlier run, or an earlier handle, left as it was at any moment.
    pub(super) fn open(path: &Path) -> Result<Self, Trouble> {
        // redb makes a database of an empty file; ours is never empty once it has its name.
        let file = File::options().read(true).write(true).open(path);
        let file = file.map_err(redb::Error::from)?;
        if file.metadata().map_err(redb::Error::from)?.len() == 0 {
            return Err(Trouble::Damaged);
        }
        guarded(|| Ok(Self(Some(database(file)?))))
    }

    /// What it says of itself.
    pub(super) fn extent(&self) -> Result<Extent, Trouble> {
        guarded(|| {
            let read = self.database()?.begin_read()?;
            let records = read.open_table(RECORDS)?;
            let last = records.last()?.map_or(0, |(number, _)| number.value());
            let state = read.open_table(STATE)?.get(0)?;
            let state = state.map_or(Some((0, None)), |it| read_state(it.value()));
            let (removed, unreadable) = state.unwrap_or_default();
            let damaged = state.is_none() || removed > last || records.len()? != last;
            Ok(Extent {
                last,
                removed: if damaged { 0 } else { removed },
                unreadable,
                damaged,
            })
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

    /// Notes that everything up to `removed` was removed, and what was passed over on the way.
    pub(super) fn remove(&self, removed: u64, unreadable: Option<u64>) -> Result<(), Trouble> {
        self.write(|write| {
            let state = state(removed, unreadable);
            write.open_table(STATE)?.insert(0, state.as_slice())?;
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
        let read = self.database()?.begin_read()?;
        let table = read.open_table(RECORDS)?;
        let mut taken = 0;
        for entry in table.range(after.saturating_add(1)..)? {
            if records.len() >= most || taken >= bytes {
                break;
            }
            let (number, record) = entry?;
            taken += record.value().len();
            records.push((number.value(), record.value().to_vec()));
        }
        Ok(())
    }

    /// One commit, on disk when it returns.
    fn write(
        &self,
        change: impl FnOnce(&redb::WriteTransaction) -> Result<(), redb::Error>,
    ) -> Result<(), Trouble> {
        guarded(|| {
            let mut write = self.database()?.begin_write()?;
            write.set_durability(Durability::Immediate)?;
            // Opening it after a crash takes no walk through the whole file then.
            write.set_quick_repair(true);
            change(&write)?;
            Ok(write.commit()?)
        })
    }

    fn database(&self) -> Result<&Database, redb::Error> {
        self.0.as_ref().ok_or(redb::Error::DatabaseClosed)
    }
}

impl Drop for Log {
    /// Closing writes, and of a damaged file that may be a panic.
    fn drop(&mut self) {
        let database = self.0.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(database)));
    }
}

fn database(file: File) -> Result<Database, redb::Error> {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE);
    Ok(builder.create_with_backend(FileBackend::new(file)?)?)
}

/// How far was removed, and the first record that was passed over: eight bytes each, zero for none,
/// and a checksum, because a bit that flipped here would lose records without a word.
fn state(removed: u64, unreadable: Option<u64>) -> Vec<u8> {
    let numbers = [removed, unreadable.unwrap_or(0)];
    let mut bytes: Vec<u8> = numbers.iter().flat_map(|it| it.to_be_bytes()).collect();
    bytes.extend(checksum(&bytes));
    bytes
}

fn read_state(bytes: &[u8]) -> Option<(u64, Option<u64>)> {
    let (numbers, sum) = bytes.split_last_chunk()?;
    let (removed, unreadable) = numbers.split_first_chunk()?;
    let unreadable = u64::from_be_bytes(unreadable.try_into().ok()?);
    let whole = checksum(numbers) == *sum;
    whole.then(|| {
        (
            u64::from_be_bytes(*removed),
            Some(unreadable).filter(|it| *it > 0),
        )
    })
}

fn guarded<T>(call: impl FnOnce() -> Result<T, redb::Error>) -> Result<T, Trouble> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(done) => done.map_err(Trouble::from),
        Err(_) => Err(Trouble::Damaged),
    }
}
