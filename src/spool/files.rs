//! The files in their order: one takes what is new, the first gives what is read.
//!
//! A file that an earlier run left, or that had trouble with the disk, is read and takes nothing
//! new. One that is damaged is renamed for a person when all that can be read of it was removed; so
//! is one with records of another version.

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

/// Bytes counted for a record of `length` bytes.
pub(super) fn cost(length: usize) -> u64 {
    (length + HEAD) as u64
}

/// All files of a directory, which is this process' own.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) reserve: Reserve,
    pub(super) segments: VecDeque<Segment>,
    /// Writer of the last of them, if it takes new records.
    pub(super) writer: Option<Writer>,
    /// The highest number that was ever used.
    highest: u64,
    /// Bytes that one file may count for.
    most: u64,
    pub(super) oldest: Option<Timestamp>,
    pub(super) set_aside: u64,
    /// Records that this run passed over, in files that are gone or set aside.
    pub(super) passed_over: u64,
    pub(super) clock: Clock,
    /// The last to go: what it claims is claimed until all files are closed.
    pub(super) directory: Directory,
}

impl Files {
    /// Adopts what is in `directory`.
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

    /// Lets go of files of which nothing waits. Where one cannot go now, another time it may.
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

    /// Passes over what an earlier run removed.
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

    /// Writes `records`; on disk when it returns. What they count for was counted by whoever
    /// brought them.
    pub(super) fn append(&mut self, records: &[Vec<u8>], shared: &Shared) -> Result<(), Error> {
        // Without it there is still the room that others left.
        let _ = self.reserve.give(shared.used());
        let mut written = self.try_to_write(records, shared);
        // Whoever fills the disk takes what was given up ahead as well.
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

    /// Has the disk take a file and what is written into it, and leaves nothing of it behind.
    pub(super) fn try_disk(&mut self, shared: &Shared) -> Result<(), Error> {
        self.append(&[], shared)?;
        self.close_last(shared);
        Ok(())
    }

    /// Writes no more into the last file. One that took nothing goes: all that may be in it was
    /// refused, and nobody would come to read it while it counts as room that is used.
    fn close_last(&mut self, shared: &Shared) {
        self.writer = None;
        if self.segments.back().is_some_and(|it| it.end.number == 0) {
            // Where it cannot go now, reading tries again.
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

    /// Begins the file that takes what is new.
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

    /// Ends the newest file. One without its end is read like one that a crash left.
    fn close_writer(&mut self) {
        if let Some(writer) = self.writer.take() {
            let _ = writer.close();
        }
    }

    /// Takes the reserve again, as far as the disk has room for it.
    pub(super) fn take_reserve(&mut self) {
        let _ = self.reserve.take();
    }

    /// How all of it stands.
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
            // The disk takes a file, and nothing into it.
            let file = std::fs::File::open(&path).unwrap();
            files.writer = Some(Writer { file, end });
            assert!(files.append(&records, &shared).is_err());
            assert!(!path.exists() && files.segments.len() == 1);
        }
        assert_eq!(shared.used(), FILE_COST);
        assert_eq!(files.status().records, 1);
    }
}
