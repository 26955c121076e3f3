//! A segment file: its state, its reader, and the writer of the newest file.
//!
//! Only the handle that created a file writes to it, only at its end. A closed file ends with a
//! frame without a record. All other handles read. A file is deleted as a whole when all its
//! records were removed, so a full disk can be drained without a write.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    os::unix::fs::FileExt,
    path::Path,
};

use super::{
    directory::create,
    frame::{HEAD, Head, Mark, START},
    position::SpoolPosition,
    record::Record,
    scan::Frames,
};
use crate::codec::CHECKSUM;

/// Size counted for a file without records.
pub(super) const FILE_COST: u64 = 4 << 10;

/// Buffer size for writes.
const CHUNK: usize = 256 << 10;

/// Maximum number of disk errors per read. Meanwhile the spool does nothing else.
const PATIENCE: u8 = 4;

/// The same limit at start, when no caller waits for an answer yet.
const PATIENCE_AT_START: u8 = 64;

/// Appends to a file. An error consumes the writer: it is unknown which bytes reached the disk, and
/// a later successful sync does not prove that all did.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) file: File,
    pub(super) end: Mark,
}

impl Writer {
    /// Creates a file without records.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let mut file = create(path)?;
        file.write_all(START)?;
        file.sync_all()?;
        let end = Mark::START;
        Ok(Self { file, end })
    }

    /// Appends `records` and fsyncs them.
    pub(super) fn append(mut self, records: &[Vec<u8>]) -> io::Result<Self> {
        let (commit, mut end) = (self.end.number + 1, self.end);
        let mut out = BufWriter::with_capacity(CHUNK, &self.file);
        let written = records.iter().try_for_each(|record| {
            let head = Head::of(record, end.number + 1, commit);
            out.write_all(&head.encode(end.offset))?;
            end = head.end(end.offset);
            out.write_all(record)
        });
        let written = written.and_then(|()| out.flush());
        // Dropping the `BufWriter` would write again.
        let _ = out.into_parts();
        written?;
        self.file.sync_data()?;
        self.end = end;
        Ok(self)
    }

    /// Closes the file with an end frame, so that a later run knows its number of records.
    pub(super) fn close(self) -> io::Result<()> {
        self.append(&[Vec::new()]).map(drop)
    }
}

/// A segment file of the spool.
#[derive(Debug)]
pub(super) struct Segment {
    /// Number of the file.
    pub(super) number: u64,
    /// Boundary after the last record.
    pub(super) end: Mark,
    /// Last record known to be synced. Records after it may be the torn end that a crash left, and
    /// none of them was acked.
    pub(super) synced: u64,
    /// Boundary up to which records were removed.
    pub(super) removed: Mark,
    /// Boundary up to which records were read last.
    cursor: Mark,
    /// First record that was skipped because this program cannot read it.
    pub(super) unreadable: Option<u64>,
    /// Records skipped by this run.
    pub(super) passed_over: u64,
    /// Highest record that was read.
    seen: u64,
    /// Size counted for the file.
    pub(super) cost: u64,
    /// True if a synced record is missing.
    pub(super) damaged: bool,
}

/// Records of one read: at most `most`, until they have `bytes` or more.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) records: Vec<(SpoolPosition, Record)>,
    most: usize,
    bytes: usize,
}

impl Taken {
    /// An empty result with these limits.
    pub(super) fn nothing(most: usize, bytes: usize) -> Self {
        let records = Vec::new();
        Self {
            records,
            most,
            bytes,
        }
    }

    /// True if a limit is reached.
    pub(super) fn is_full(&self) -> bool {
        self.records.len() >= self.most || self.bytes == 0
    }
}

impl Segment {
    /// A file without records.
    pub(super) fn new(number: u64) -> Self {
        Self {
            number,
            end: Mark::START,
            synced: 0,
            removed: Mark::START,
            cursor: Mark::START,
            unreadable: None,
            passed_over: 0,
            seen: 0,
            cost: FILE_COST,
            damaged: false,
        }
    }

    /// Adopts the file of an earlier run at `path`, in any state that a crash can leave.
    pub(super) fn adopt(number: u64, path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut segment = Self::new(number);
        segment.cost += length;
        segment.damaged = bytes_at(&file, 0).as_ref() != Some(START);
        if let Some(number) = last_of_closed(&file, length) {
            let offset = length;
            segment.end = Mark { number, offset };
            segment.synced = number;
            return Ok(segment);
        }
        let mut frames = Frames::new(&file, Mark::START, length, PATIENCE_AT_START);
        while frames.step()? {
            segment.end = frames.at;
        }
        segment.synced = frames.commit.saturating_sub(1);
        segment.judge(&frames);
        Ok(segment)
    }

    /// Number of records that were not removed.
    pub(super) fn waiting(&self) -> u64 {
        self.end.number.saturating_sub(self.removed.number)
    }

    /// Moves the end after an append.
    pub(super) fn grow(&mut self, end: Mark) {
        self.cost += end.offset - self.end.offset;
        self.synced = end.number;
        self.end = end;
    }

    /// Skips the records that an earlier run removed.
    pub(super) fn begin_behind(&mut self, removed: Mark, unreadable: Option<u64>) {
        self.removed = removed;
        self.cursor = removed;
        self.seen = removed.number;
        self.unreadable = unreadable;
    }

    /// Reads records after record `after`; true if no readable record follows.
    pub(super) fn read(&mut self, path: &Path, after: u64, taken: &mut Taken) -> io::Result<bool> {
        let file = match File::open(path) {
            // The file was deleted from outside, so a retry does not help.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.damaged = true;
                return Ok(true);
            }
            file => file?,
        };
        let is_on_the_way = (self.removed.number..=after).contains(&self.cursor.number);
        let from = if is_on_the_way {
            self.cursor
        } else {
            self.removed
        };
        let mut frames = self.frames(&file, from);
        let (mut went_on, before) = (Ok(true), taken.records.len());
        while !taken.is_full() && matches!(went_on, Ok(true)) {
            went_on = frames.step();
            if matches!(went_on, Ok(true)) && frames.at.number > after {
                self.take(frames.at.number, frames.record(), taken);
            }
        }
        self.cursor = frames.at;
        self.judge(&frames);
        let ended = !went_on?;
        self.damaged |= ended && frames.at.number < self.end.number;
        Ok(ended && (taken.records.len() == before || !frames.gave_up()))
    }

    fn take(&mut self, number: u64, bytes: &[u8], taken: &mut Taken) {
        if let Ok(record) = Record::decode(bytes) {
            let file = self.number;
            let place = SpoolPosition {
                file,
                record: number,
            };
            taken.records.push((place, record));
            taken.bytes = taken.bytes.saturating_sub(bytes.len());
        } else {
            self.unreadable.get_or_insert(number);
            self.passed_over += u64::from(number > self.seen);
        }
        self.seen = self.seen.max(number);
    }

    fn frames<'a>(&self, file: &'a File, from: Mark) -> Frames<'a> {
        Frames::new(file, from, self.end.offset, PATIENCE)
    }

    /// Sets `damaged`. A missing record after `synced` is no damage: it was never acked.
    fn judge(&mut self, frames: &Frames<'_>) {
        let is_missed = frames.missing.is_some_and(|it| it <= self.synced);
        self.damaged |= frames.unread || is_missed;
    }

    /// The first record that was not removed, if it is readable.
    pub(super) fn first(&self, path: &Path) -> Option<Record> {
        let file = File::open(path).ok()?;
        let mut frames = self.frames(&file, self.removed);
        frames.step().ok().filter(|is_found| *is_found)?;
        Record::decode(frames.record()).ok()
    }

    /// The boundary after record `number`, or after the last readable record before it.
    pub(super) fn mark(&self, path: &Path, number: u64) -> io::Result<Mark> {
        if self.cursor.number == number {
            return Ok(self.cursor);
        }
        let file = File::open(path)?;
        let mut frames = self.frames(&file, self.removed);
        let mut mark = self.removed;
        while mark.number < number && frames.step()? && frames.at.number <= number {
            mark = frames.at;
        }
        Ok(mark)
    }
}

/// The bytes before `mark` in the file at `path`: the checksum of the record that ends there.
pub(super) fn seal(path: &Path, mark: Mark) -> Option<[u8; CHECKSUM]> {
    bytes_at(
        &File::open(path).ok()?,
        mark.offset.checked_sub(CHECKSUM as u64)?,
    )
}

/// Number of the last record in a file of `length` bytes, if the file was closed. The end of a
/// record cannot look like an end frame, since a record ends with a SHA-256 of itself.
fn last_of_closed(file: &File, length: u64) -> Option<u64> {
    let offset = length.checked_sub(HEAD as u64)?;
    let head = Head::decode(&bytes_at::<HEAD>(file, offset)?, offset)?;
    let is_end = head.ends_file() && head.number <= length / HEAD as u64;
    is_end.then(|| head.number - 1)
}

fn bytes_at<const N: usize>(file: &File, offset: u64) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    file.read_exact_at(&mut bytes, offset).ok()?;
    Some(bytes)
}
