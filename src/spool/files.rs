//! The segment files in order: the last takes new records, the first is read.
//!
//! A file of an earlier run, or one with an I/O error, is read and takes no new records. A damaged
//! file, or a file with records of another version, is renamed for the operator once all its
//! readable records were removed.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::{
    directory::Directory,
    error::{At, Error},
    frame::{HEAD, Mark},
    note::{self, Note},
    record::Record,
    reserve::{self, Reserve},
    segment::{FILE_COST, Segment, Writer, seal},
    status::{Shared, Status},
};
use crate::clock::Clock;

/// Bytes that a record of `length` bytes adds to the size of the spool.
pub(super) fn cost(length: usize) -> u64 {
    (length + HEAD) as u64
}

/// All files of the locked spool directory.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) reserve: Reserve,
    pub(super) segments: VecDeque<Segment>,
    /// Writer of the last segment, if the segment takes new records.
    pub(super) writer: Option<Writer>,
    /// Highest file number used so far.
    highest: u64,
    /// Maximum size of one file.
    most: u64,
    pub(super) oldest: Option<Timestamp>,
    pub(super) set_aside: u64,
    /// Records skipped by this run in files that are gone or set aside.
    pub(super) passed_over: u64,
    pub(super) clock: Clock,
    /// Dropped last, so that the lock outlives the open files.
    pub(super) directory: Directory,
}

impl Files {
    /// Adopts the files in `directory`.
    pub(super) fn adopt(
        directory: Directory,
        (most, reserve): (u64, u64),
        shared: &Shared,
        clock: Clock,
    ) -> Result<Self, Error> {
        let found = directory.inventory()?;
        let reserve = Reserve::at(directory.join(reserve::FILE), reserve);
        let mut files = Self {
            reserve,
            segments: VecDeque::new(),
            writer: None,
            highest: found.highest,
            most,
            oldest: None,
            set_aside: found.set_aside,
            passed_over: 0,
            clock,
            directory,
        };
        for number in found.numbers {
            files.adopt_one(number, shared)?;
        }
        files.heed_note();
        files.clear(shared);
        files.look_at_oldest();
        Ok(files)
    }

    /// Finishes files without waiting records. A file that cannot be finished is tried again later.
    pub(super) fn clear(&mut self, shared: &Shared) {
        for index in (0..self.segments.len()).rev() {
            if self.segments[index].waiting() == 0 {
                let _ = self.finish(index, shared);
            }
        }
    }

    fn adopt_one(&mut self, number: u64, shared: &Shared) -> Result<(), Error> {
        let path = self.directory.file(number);
        let segment = Segment::adopt(number, &path).at("read", &path)?;
        shared.add(segment.cost);
        self.segments.push_back(segment);
        Ok(())
    }

    /// Skips the records that an earlier run removed.
    fn heed_note(&mut self) {
        let Some(note) = Note::read(&self.directory.join(note::FILE)) else {
            return;
        };
        let (number, offset) = (note.record, note.offset);
        let removed = Mark { number, offset };
        let is_meant =
            |it: &&mut Segment| it.number == note.file && !it.damaged && number <= it.end.number;
        let segment = self.segments.iter_mut().find(is_meant);
        let path = self.directory.file(note.file);
        if let Some(segment) = segment.filter(|_| seal(&path, removed) == Some(note.seal)) {
            let unreadable = Some(note.unreadable).filter(|it| *it > 0);
            segment.begin_behind(removed, unreadable);
        }
    }

    /// Appends `records` and fsyncs them. The caller has already added their size to `shared`.
    pub(super) fn append(&mut self, records: &[Vec<u8>], shared: &Shared) -> Result<(), Error> {
        // Without the reserve there is still the free space of the disk.
        let _ = self.reserve.give(shared.used());
        let mut written = self.try_to_write(records, shared);
        // If the disk is full all the same, give up the rest of the reserve as well.
        while written.as_ref().is_err_and(Error::is_full)
            && self.reserve.give_more().is_ok_and(|gave| gave)
        {
            written = self.try_to_write(records, shared);
        }
        written
    }

    fn try_to_write(&mut self, records: &[Vec<u8>], shared: &Shared) -> Result<(), Error> {
        let written = self.write(records, shared);
        if written.is_err() {
            self.close_last(shared);
        }
        written
    }

    /// Tests the disk: creates a file, and removes it again.
    pub(super) fn try_disk(&mut self, shared: &Shared) -> Result<(), Error> {
        self.append(&[], shared)?;
        self.close_last(shared);
        Ok(())
    }

    /// Closes the last file for writing. A file without records is deleted: no reader would come to
    /// delete it, and it would count as used space.
    fn close_last(&mut self, shared: &Shared) {
        self.writer = None;
        if self.segments.back().is_some_and(|it| it.end.number == 0) {
            // A file that cannot be deleted now is tried again by the reader.
            let _ = self.finish(self.segments.len() - 1, shared);
        }
    }

    fn write(&mut self, records: &[Vec<u8>], shared: &Shared) -> Result<(), Error> {
        let is_full = self.segments.back().is_none_or(|it| it.cost >= self.most);
        if is_full {
            self.close_writer();
        }
        let writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.begin(shared)?,
        };
        let Some(segment) = self.segments.back_mut() else {
            return Err(Error::Gone);
        };
        let path = self.directory.file(segment.number);
        let writer = writer.append(records).at("write", &path)?;
        segment.grow(writer.end);
        self.writer = Some(writer);
        if self.oldest.is_none() {
            let received_at = |it| Record::decode(it).map(|it| it.envelope.received_at).ok();
            self.oldest = records.first().and_then(|it| received_at(it));
        }
        Ok(())
    }

    /// Creates the next file for new records.
    fn begin(&mut self, shared: &Shared) -> Result<Writer, Error> {
        let number = self.highest + 1;
        let unfinished = self.directory.unfinished(number);
        let made = Writer::create(&unfinished).at("create", &unfinished);
        let made = made.and_then(|writer| self.directory.finish(number).map(|()| writer));
        let writer = made.inspect_err(|_| drop(std::fs::remove_file(&unfinished)))?;
        self.highest = number;
        shared.add(FILE_COST);
        self.segments.push_back(Segment::new(number));
        Ok(writer)
    }

    /// Closes the newest file with an end frame. A file without end frame is read like one that a
    /// crash left.
    fn close_writer(&mut self) {
        if let Some(writer) = self.writer.take() {
            let _ = writer.close();
        }
    }

    /// Allocates the reserve again, as far as the disk has room.
    pub(super) fn take_reserve(&mut self) {
        let _ = self.reserve.take();
    }

    /// Current status of the spool.
    pub(super) fn status(&self) -> Status {
        let passed_over = self.segments.iter().map(|it| it.passed_over);
        Status {
            records: self.segments.iter().map(Segment::waiting).sum(),
            reserved: self.reserve.held(),
            reserve: self.reserve.wanted(),
            oldest: self.oldest,
            files: self.segments.len() as u64,
            files_set_aside: self.set_aside,
            records_set_aside: self.passed_over + passed_over.sum::<u64>(),
            ..Status::default()
        }
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        self.close_writer();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::tests::record;

    #[test]
    fn a_file_that_never_took_anything_is_not_left_behind() {
        let dir = tempfile::TempDir::new().unwrap();
        let directory = Directory::open(&dir.path().join("spool")).unwrap();
        let shared = Shared::new(1 << 20);
        let (clock, _) = Clock::manual(record(1, "").envelope.received_at);
        let mut files = Files::adopt(directory, (1 << 20, 0), &shared, clock).unwrap();
        let records = [record(1, "{}").encode().unwrap()];
        files.append(&records, &shared).unwrap();
        for _ in 0..3 {
            let Writer { end, .. } = files.begin(&shared).unwrap();
            let path = files.directory.file(files.highest);
            // The file can be created, but a write to it fails.
            let file = std::fs::File::open(&path).unwrap();
            files.writer = Some(Writer { file, end });
            assert!(files.append(&records, &shared).is_err());
            assert!(!path.exists() && files.segments.len() == 1);
        }
        assert_eq!(shared.used(), FILE_COST);
        assert_eq!(files.status().records, 1);
    }
}
