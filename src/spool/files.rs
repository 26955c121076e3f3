//! The files in their order: one takes what is new, the first gives what is read.
//!
//! A file that an earlier run left, or that had trouble with the disk, is read and takes nothing
//! new. One that cannot be read is renamed for a person; so is one with records that could not be
//! read, when all others of it were removed.

use std::{collections::VecDeque, os::unix::fs::MetadataExt, path::Path};

use jiff::Timestamp;

use super::{
    Record,
    directory::Directory,
    error::Error,
    log::{Log, Trouble},
    note::{self, Note},
    reserve::{self, Reserve},
    status::{Shared, Status},
};
use crate::clock::Clock;

/// What a file counts for before it has records.
pub(super) const FILE_COST: u64 = 64 << 10;

/// What a record of `length` bytes counts for: redb gives it a share of a page, or a power of two
/// of pages.
pub(super) fn cost(length: usize) -> u64 {
    (length as u64 + 64).next_power_of_two()
}

/// One file.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) number: u64,
    /// Its last record.
    pub(super) last: u64,
    /// Its last record that was removed.
    pub(super) removed: u64,
    /// The first that was passed over.
    pub(super) unreadable: Option<u64>,
    /// The last record that was looked at.
    pub(super) seen: u64,
    /// What it counts for.
    pub(super) cost: u64,
    /// Whether something is missing in it.
    pub(super) damaged: bool,
    pub(super) log: Option<Log>,
}

impl Segment {
    fn new(number: u64, cost: u64, log: Option<Log>) -> Self {
        Self {
            number,
            last: 0,
            removed: 0,
            unreadable: None,
            seen: 0,
            cost,
            damaged: false,
            log,
        }
    }

    /// How many of its records were not removed. What a damaged file says of itself may be any
    /// number, so it counts for no more than there is room for in it.
    pub(super) fn waiting(&self) -> u64 {
        let waiting = self.last.saturating_sub(self.removed);
        if self.damaged {
            waiting.min(self.cost / cost(0))
        } else {
            waiting
        }
    }
}

/// All files of a directory, which is this process' own.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) reserve: Reserve,
    pub(super) segments: VecDeque<Segment>,
    /// Whether the last of them takes what is new.
    pub(super) taking: bool,
    /// The highest number that was ever used.
    highest: u64,
    /// What one file may count for.
    most: u64,
    pub(super) oldest: Option<Timestamp>,
    pub(super) set_aside: u64,
    pub(super) unreadable: u64,
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
            taking: false,
            highest: found.highest,
            most,
            oldest: None,
            set_aside: found.set_aside,
            unreadable: 0,
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
        let cost = on_disk(&path).max(FILE_COST);
        let mut segment = Segment::new(number, cost, None);
        match open(&mut segment, &self.directory).map(|_| ()) {
            Ok(()) => {
                segment.log = None;
                shared.add(cost);
                self.segments.push_back(segment);
                Ok(())
            }
            Err(Trouble::Damaged) => {
                self.rename(number, "corrupt")?;
                self.directory.sync()
            }
            Err(Trouble::Disk(error)) => Err(Error::unread(&path, error)),
        }
    }

    /// Passes over what an earlier run removed.
    fn heed_note(&mut self) {
        let Some(note) = Note::read(&self.directory.join(note::FILE)) else {
            return;
        };
        let is_meant = |it: &Segment| it.number == note.file && !it.damaged;
        let Some(index) = self.segments.iter().position(is_meant) else {
            return;
        };
        let seal = self.seal(index, note.record);
        let segment = &mut self.segments[index];
        if seal == Some(note.seal) && note.record <= segment.last {
            segment.removed = note.record;
            segment.seen = note.record;
            segment.unreadable = Some(note.unreadable).filter(|it| *it > 0);
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

    /// Whether what was written last is on disk is not known: the file is opened again before it is
    /// read. One that took nothing before goes: all that may be in it was refused, and nobody
    /// would come to read it while it counts as room that is used.
    fn close_last(&mut self, shared: &Shared) {
        self.taking = false;
        let Some(segment) = self.segments.back_mut() else {
            return;
        };
        segment.log = None;
        if segment.last == 0 {
            // Where it cannot go now, reading tries again.
            let _ = self.finish(self.segments.len() - 1, shared);
        }
    }

    fn write(&mut self, records: &[Vec<u8>], shared: &Shared) -> Result<(), Error> {
        let last = self.segments.back();
        // One that is closed is written no more.
        let full = last.is_none_or(|it| it.cost >= self.most || it.log.is_none());
        if full || !self.taking {
            self.begin(shared)?;
        }
        let Some(segment) = self.segments.back_mut() else {
            return Err(Error::Gone);
        };
        let last = segment.last;
        let log = open(segment, &self.directory);
        log.and_then(|log| log.append(last, records))
            .map_err(on_append)?;
        segment.last += records.len() as u64;
        segment.cost += records.iter().map(|it| cost(it.len())).sum::<u64>();
        if self.oldest.is_none() {
            let received_at = |it| Record::decode(it).map(|it| it.envelope.received_at).ok();
            self.oldest = records.first().and_then(|it| received_at(it));
        }
        Ok(())
    }

    /// Begins the file that takes what is new.
    fn begin(&mut self, shared: &Shared) -> Result<(), Error> {
        let number = self.highest + 1;
        let unfinished = self.directory.unfinished(number);
        let made = Log::create(&unfinished).map_err(on_append);
        let made = made.and_then(|log| self.directory.finish(number).map(|()| log));
        let log = made.inspect_err(|_| drop(std::fs::remove_file(&unfinished)))?;
        // The one before is read from its start, and that may be a while.
        if let Some(before) = self.segments.back_mut() {
            before.log = None;
        }
        self.highest = number;
        self.taking = true;
        shared.add(FILE_COST);
        let segment = Segment::new(number, FILE_COST, Some(log));
        self.segments.push_back(segment);
        Ok(())
    }

    /// Takes the reserve again, as far as the disk has room for it.
    pub(super) fn take_reserve(&mut self) {
        let _ = self.reserve.take();
    }

    /// How all of it stands.
    pub(super) fn status(&self) -> Status {
        Status {
            records: self.segments.iter().map(Segment::waiting).sum(),
            reserved: self.reserve.held(),
            reserve: self.reserve.wanted(),
            oldest: self.oldest,
            files: self.segments.len() as u64,
            files_set_aside: self.set_aside,
            records_set_aside: self.unreadable,
            ..Status::default()
        }
    }
}

/// Opens the file of a segment, if it is not open, and reads what it says of itself.
pub(super) fn open<'a>(
    segment: &'a mut Segment,
    directory: &Directory,
) -> Result<&'a Log, Trouble> {
    if segment.log.is_none() {
        let log = Log::open(&directory.file(segment.number))?;
        let pages = log.pages().map_err(redb::Error::from)?;
        segment.damaged |= pages.is_damaged || pages.records < segment.last;
        segment.last = segment.last.max(pages.records);
        segment.log = Some(log);
    }
    segment.log.as_ref().ok_or(Trouble::Damaged)
}

/// What a file takes of the disk.
fn on_disk(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |it| it.blocks() * 512)
}

/// A file that does not take a record is not judged by that: it is when it is read.
fn on_append(trouble: Trouble) -> Error {
    match trouble {
        Trouble::Damaged => Error::Disk(redb::Error::PreviousIo),
        Trouble::Disk(error) => Error::Disk(error),
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
            files.begin(&shared).unwrap();
            let path = files.directory.file(files.highest);
            // The disk takes a file, and nothing into it.
            let segment = files.segments.back_mut().unwrap();
            segment.log = None;
            segment.log = Log::open(&path).ok();
            assert!(files.append(&records, &shared).is_err());
            assert!(!path.exists() && files.segments.len() == 1);
        }
        assert_eq!(shared.used(), FILE_COST);
        assert_eq!(files.status().records, 1);
    }
}
