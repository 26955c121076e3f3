//! Out of the files: reading in order, removing, and putting aside what cannot be read.

use super::{
    Place, Record,
    error::Error,
    files::{Files, open},
    log::{Stretch, Trouble},
    note::{self, Note},
    status::Shared,
};
use crate::sealed::CHECKSUM;

/// What one read takes at most: it ends with the record that reaches this.
const READ_BYTES: usize = 8 << 20;

/// Records in their order, each with its place.
pub(super) type Found = Vec<(Place, Record)>;

/// What was found in one file, and what ended that.
struct Part {
    records: Found,
    end: End,
}

enum End {
    /// As much as was asked for.
    Bound,
    /// The end of the file.
    Whole,
    /// What follows cannot be read.
    Damaged,
    /// What follows cannot be read now.
    Disk(redb::Error),
}

impl Files {
    /// At most `most` records behind `after`, first come first. What is damaged is set aside when
    /// everything before it in its file was removed, and ends a reading until then.
    pub(super) fn read(
        &mut self,
        after: Option<Place>,
        most: usize,
        shared: &Shared,
    ) -> Result<Found, Error> {
        let (mut found, mut room) = (Found::new(), READ_BYTES);
        let before = |number| after.is_some_and(|after| number < after.file);
        let mut index = self.segments.partition_point(|it| before(it.number));
        while index < self.segments.len() && found.len() < most && room > 0 {
            let (number, removed) = (self.segments[index].number, self.segments[index].removed);
            let after = after
                .filter(|it| it.file == number)
                .map_or(0, |it| it.record);
            let part = self.read_one(index, after.max(removed), most - found.len(), room);
            // Nothing of it can be given any more: it must not be in the way of the next.
            let spent = part.records.is_empty() && after <= removed;
            room = room.saturating_sub(part.records.iter().map(|(_, it)| it.body.len()).sum());
            found.extend(part.records);
            match part.end {
                End::Whole if spent => self.finish(index, shared)?,
                End::Whole => index += 1,
                End::Damaged if spent => self.set_aside(index, "corrupt", shared)?,
                End::Disk(error) if found.is_empty() => {
                    return Err(Error::unread(&self.directory.file(number), error));
                }
                End::Bound | End::Damaged | End::Disk(_) => break,
            }
        }
        self.close_others(index);
        Ok(found)
    }

    /// Everything up to and with `through` was stored elsewhere.
    pub(super) fn remove(&mut self, through: Place, shared: &Shared) -> Result<(), Error> {
        while self
            .segments
            .front()
            .is_some_and(|it| it.number < through.file)
        {
            self.finish(0, shared)?;
        }
        let first = self
            .segments
            .front_mut()
            .filter(|it| it.number == through.file);
        if let Some(segment) = first {
            let removed = through.record.clamp(segment.removed, segment.last);
            if removed == segment.last {
                return self.finish(0, shared);
            }
            if removed > segment.removed {
                segment.removed = removed;
                self.note(0);
            }
        }
        Ok(())
    }

    /// Writes down how far a file was removed, for a later run. Not of one in which something is
    /// missing: that run would begin behind it, and delete the file.
    fn note(&mut self, index: usize) {
        if self.segments[index].damaged {
            return;
        }
        let (number, removed) = (self.segments[index].number, self.segments[index].removed);
        let unreadable = self.segments[index].unreadable.filter(|it| *it <= removed);
        if let Some(seal) = self.seal(index, removed) {
            let note = Note {
                file: number,
                record: removed,
                unreadable: unreadable.unwrap_or(0),
                seal,
            };
            // Without it that run stores some records again.
            let _ = note.write(&self.directory.join(note::FILE));
        }
    }

    /// What the record with this number ends with.
    pub(super) fn seal(&mut self, index: usize, record: u64) -> Option<[u8; CHECKSUM]> {
        let before = record.checked_sub(1)?;
        let (number, bytes) = self.stretch(index, before, 1, 1).records.pop()?;
        note::seal(&bytes).filter(|_| number == record)
    }

    /// Finds out when the first record that waits was received.
    pub(super) fn look_at_oldest(&mut self) {
        self.oldest = None;
        if let Some(removed) = self.segments.front().map(|it| it.removed) {
            let first = self.stretch(0, removed, 1, 1).records.pop();
            let record = first.and_then(|(_, bytes)| Record::decode(&bytes).ok());
            self.oldest = record.map(|it| it.envelope.received_at);
        }
    }

    /// Reads on in one file until there is something to give, or something that ends it.
    fn read_one(&mut self, index: usize, mut from: u64, most: usize, bytes: usize) -> Part {
        loop {
            let stretch = self.stretch(index, from, most, bytes);
            let (records, to) = self.decode(index, from, stretch.records);
            let segment = &mut self.segments[index];
            let end = match stretch.trouble {
                Some(Trouble::Damaged) => End::Damaged,
                Some(Trouble::Disk(error)) => End::Disk(error),
                None if to >= segment.last => End::Whole,
                None if to == from => {
                    segment.damaged = true;
                    End::Whole
                }
                None => End::Bound,
            };
            if !records.is_empty() || !matches!(end, End::Bound) {
                return Part { records, end };
            }
            from = to;
        }
    }

    fn stretch(&mut self, index: usize, from: u64, most: usize, bytes: usize) -> Stretch {
        let segment = &mut self.segments[index];
        let stretch = match open(segment, &self.directory) {
            Ok(log) => log.read(from, most, bytes),
            Err(trouble) => Stretch {
                trouble: Some(trouble),
                ..Stretch::default()
            },
        };
        segment.damaged |= stretch.damaged;
        if stretch.trouble.is_some() {
            segment.log = None;
        }
        stretch
    }

    /// The records among `bytes`, which follow number `from`, and the last number. What is missing
    /// or cannot be read is noted.
    fn decode(&mut self, index: usize, from: u64, bytes: Vec<(u64, Vec<u8>)>) -> (Found, u64) {
        let segment = &mut self.segments[index];
        let (mut found, mut last) = (Found::with_capacity(bytes.len()), from);
        for (record, bytes) in bytes {
            segment.damaged |= record != last + 1;
            last = record;
            let file = segment.number;
            if let Ok(read) = Record::decode(&bytes) {
                found.push((Place { file, record }, read));
            } else {
                segment.unreadable.get_or_insert(record);
                self.unreadable += u64::from(record > segment.seen);
            }
            segment.seen = segment.seen.max(record);
        }
        (found, last)
    }

    /// Everything in a file was removed, or cannot be read: it goes, or is kept for a person.
    pub(super) fn finish(&mut self, index: usize, shared: &Shared) -> Result<(), Error> {
        let segment = &mut self.segments[index];
        segment.removed = segment.last;
        if segment.damaged {
            return self.set_aside(index, "corrupt", shared);
        }
        if segment.unreadable.is_some() {
            return self.set_aside(index, "unreadable", shared);
        }
        segment.log = None;
        self.directory.delete(segment.number)?;
        self.forget(index, shared);
        // Last: a file that is gone must not be waited for, whatever the disk says of it.
        self.directory.sync()
    }

    /// Renames a file and reads it no more.
    fn set_aside(&mut self, index: usize, why: &str, shared: &Shared) -> Result<(), Error> {
        self.segments[index].log = None;
        // With its name given back it is read from its start.
        let note = self.directory.join(note::FILE);
        let of_it = |it: &Note| it.file == self.segments[index].number;
        if Note::read(&note).as_ref().is_some_and(of_it) {
            let _ = std::fs::remove_file(note);
        }
        self.rename(self.segments[index].number, why)?;
        self.forget(index, shared);
        self.directory.sync()
    }

    pub(super) fn rename(&mut self, number: u64, why: &str) -> Result<(), Error> {
        self.directory.set_aside(number, why, self.clock.now())?;
        self.set_aside += 1;
        Ok(())
    }

    fn forget(&mut self, index: usize, shared: &Shared) {
        self.taking &= index + 1 < self.segments.len();
        if let Some(segment) = self.segments.remove(index) {
            shared.leave(segment.cost);
        }
    }

    /// Only the first, the one that was read last and the one that is written stay open.
    fn close_others(&mut self, read: usize) {
        let last = self.segments.len().saturating_sub(1);
        for (index, segment) in self.segments.iter_mut().enumerate() {
            if index != 0 && index != read && index != last {
                segment.log = None;
            }
        }
    }
}
