//! Reads records in order, removes them, and sets unreadable files aside.

use super::{
    error::{At, Error},
    files::Files,
    note::{self, Note},
    position::SpoolPosition,
    record::Record,
    segment::{Taken, seal},
    status::Shared,
};

/// Maximum bytes of one read, which ends with the record that reaches this size.
const READ_BYTES: usize = 8 << 20;

impl Files {
    /// Reads at most `most` records after `after`, oldest first. Deletes or sets aside files
    /// without readable records on the way.
    pub(super) fn read(
        &mut self,
        after: Option<SpoolPosition>,
        most: usize,
        shared: &Shared,
    ) -> Result<Vec<(SpoolPosition, Record)>, Error> {
        let mut taken = Taken::nothing(most, READ_BYTES);
        let before = |number| after.is_some_and(|after| number < after.file);
        let mut index = self.segments.partition_point(|it| before(it.number));
        while index < self.segments.len() && !taken.is_full() {
            let segment = &mut self.segments[index];
            let path = self.directory.file(segment.number);
            let removed = segment.removed.number;
            let after = after.filter(|it| it.file == segment.number);
            let after = after.map_or(removed, |it| it.record.max(removed));
            let count = taken.records.len();
            let is_last = segment.read(&path, after, &mut taken);
            // The file has no more readable records and must not block the next file.
            let is_spent = taken.records.len() == count && after == removed;
            match is_last {
                Ok(true) if is_spent => self.finish(index, shared)?,
                Ok(true) => index += 1,
                Err(error) if taken.records.is_empty() => return Err(error).at("read", &path),
                _ => break,
            }
        }
        Ok(taken.records)
    }

    /// Removes all records up to and including `through`.
    pub(super) fn remove(&mut self, through: SpoolPosition, shared: &Shared) -> Result<(), Error> {
        let is_before = |number| number < through.file;
        while self.segments.front().is_some_and(|it| is_before(it.number)) {
            self.finish(0, shared)?;
        }
        let first = self.segments.front_mut();
        let Some(segment) = first.filter(|it| it.number == through.file) else {
            return Ok(());
        };
        if through.record >= segment.end.number {
            return self.finish(0, shared);
        }
        if through.record > segment.removed.number {
            let path = self.directory.file(segment.number);
            segment.removed = segment.mark(&path, through.record).at("read", &path)?;
            self.note();
        }
        Ok(())
    }

    /// Writes the note for a later run. A damaged file gets no note: the next run would start
    /// behind the damage and delete the file.
    fn note(&self) {
        let Some(segment) = self.segments.front().filter(|it| !it.damaged) else {
            return;
        };
        let removed = segment.removed;
        let unreadable = segment.unreadable.filter(|it| *it <= removed.number);
        if let Some(seal) = seal(&self.directory.file(segment.number), removed) {
            let note = Note {
                file: segment.number,
                record: removed.number,
                offset: removed.offset,
                unreadable: unreadable.unwrap_or(0),
                seal,
            };
            // Without the note the next run stores some records again.
            let _ = note.write(&self.directory.join(note::FILE));
        }
    }

    /// Updates the receive time of the first waiting record.
    pub(super) fn look_at_oldest(&mut self) {
        let first = self.segments.front();
        let first = first.and_then(|it| it.first(&self.directory.file(it.number)));
        self.oldest = first.map(|it| it.envelope.received_at);
    }

    /// Deletes a file when all its records were removed or are unreadable, or sets it aside for the
    /// operator.
    pub(super) fn finish(&mut self, index: usize, shared: &Shared) -> Result<(), Error> {
        let segment = &mut self.segments[index];
        segment.removed = segment.end;
        if segment.damaged {
            return self.set_aside(index, "corrupt", shared);
        }
        if segment.unreadable.is_some() {
            return self.set_aside(index, "unreadable", shared);
        }
        self.directory.delete(segment.number)?;
        self.forget(index, shared);
        // Sync last: a deleted file must be forgotten even if the sync fails.
        self.directory.sync()
    }

    /// Renames a file and stops reading it.
    fn set_aside(&mut self, index: usize, why: &str, shared: &Shared) -> Result<(), Error> {
        // Without the note, the file is read from its start if an operator gives it its old name.
        let note = self.directory.join(note::FILE);
        let of_it = |it: &Note| it.file == self.segments[index].number;
        if Note::read(&note).as_ref().is_some_and(of_it) {
            let _ = std::fs::remove_file(note);
        }
        let number = self.segments[index].number;
        self.directory.set_aside(number, why, self.clock.now())?;
        self.set_aside += 1;
        self.forget(index, shared);
        self.directory.sync()
    }

    fn forget(&mut self, index: usize, shared: &Shared) {
        if let Some(segment) = self.segments.remove(index) {
            shared.leave(segment.cost);
            self.passed_over += segment.passed_over;
        }
        if index == self.segments.len() {
            self.writer = None;
        }
    }
}
