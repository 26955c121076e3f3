//! How far the first file was removed, beside the files: none of them is written again once it is
//! closed.
//!
//! The note only spares work. It is not synced, so a crash may bring back an earlier one or none,
//! and records come out again that were stored elsewhere: their ids make that harmless. One that
//! said too much would lose records. So it has the checksum that the last removed record ends with,
//! and counts for no other file that has the same number one day.

use std::{
    fs::{self, OpenOptions},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
};

use crate::sealed::{CHECKSUM, checksum};

/// The name of the file.
pub(super) const FILE: &str = "removed";

/// Up to where something was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Note {
    /// The number of the file.
    pub(super) file: u64,
    /// The last record of it that was removed.
    pub(super) record: u64,
    /// Where the next one begins.
    pub(super) offset: u64,
    /// The first that was passed over; zero for none.
    pub(super) unreadable: u64,
    /// What that last record ends with.
    pub(super) seal: [u8; CHECKSUM],
}

impl Note {
    /// The note at `path`, if a whole one is there.
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

    /// Writes it in the place of the one before.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let numbers = [self.file, self.record, self.offset, self.unreadable];
        let numbers = numbers.map(u64::to_be_bytes);
        let mut bytes = [numbers.as_flattened(), &self.seal].concat();
        bytes.extend(checksum(&bytes));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        let file = options.mode(0o600).open(path)?;
        file.write_all_at(&bytes, 0)?;
        // What is longer is none, and would stay so.
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
