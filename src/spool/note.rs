//! The note of removed records: how far the first segment file was removed. The note is a separate
//! file, because a closed segment is never written again.
//!
//! The note only saves work. It is not synced. After a crash an earlier note or none may be there,
//! and records come out again that were stored elsewhere: their ids make that harmless. A note that
//! is too far ahead would lose records. So the note contains the checksum at the end of the last
//! removed record, and is not valid for a later file with the same number.

use std::{
    fs::{self, OpenOptions},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
};

use crate::codec::{CHECKSUM, checksum};

/// Name of the note file.
pub(super) const FILE: &str = "removed";

/// Progress of removal in one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Note {
    /// Number of the segment file.
    pub(super) file: u64,
    /// Last removed record of the file.
    pub(super) record: u64,
    /// Offset of the next record.
    pub(super) offset: u64,
    /// First record that was skipped as unreadable; zero for none.
    pub(super) unreadable: u64,
    /// Checksum at the end of the last removed record.
    pub(super) seal: [u8; CHECKSUM],
}

impl Note {
    /// Reads the note at `path`, if the file is there and valid.
    pub(super) fn read(path: &Path) -> Option<Self> {
        let bytes = fs::read(path).ok()?;
        let (said, sum) = bytes.split_last_chunk()?;
        let (numbers, rest) = said.as_chunks();
        let whole = rest.is_empty() && checksum(said) == *sum;
        match *numbers {
            [file, record, offset, unreadable, seal] if whole => Some(Self {
                file: u64::from_be_bytes(file),
                record: u64::from_be_bytes(record),
                offset: u64::from_be_bytes(offset),
                unreadable: u64::from_be_bytes(unreadable),
                seal,
            }),
            _ => None,
        }
    }

    /// Overwrites the note.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let numbers = [self.file, self.record, self.offset, self.unreadable];
        let numbers = numbers.map(u64::to_be_bytes);
        let mut bytes = [numbers.as_flattened(), &self.seal].concat();
        bytes.extend(checksum(&bytes));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        let file = options.mode(0o600).open(path)?;
        file.write_all_at(&bytes, 0)?;
        // A note with trailing bytes would be invalid, and stay so.
        file.set_len(bytes.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written_and_a_damaged_one_is_none() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join(FILE);
        assert_eq!(Note::read(&path), None);
        let note = |record| Note {
            file: 7,
            record,
            offset: 4096,
            unreadable: 3,
            seal: *b"12345678",
        };
        fs::write(&path, [0; 400]).unwrap();
        note(900).write(&path).unwrap();
        assert_eq!(
            Note::read(&path),
            Some(note(900)),
            "in the place of anything"
        );
        note(5).write(&path).unwrap();
        assert_eq!(Note::read(&path), Some(note(5)));
        let bytes = fs::read(&path).unwrap();
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            for damaged in [&flipped[..], &bytes[..at]] {
                fs::write(&path, damaged).unwrap();
                assert_eq!(Note::read(&path), None);
            }
        }
    }
}
