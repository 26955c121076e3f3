//! Frames: layout of records in a segment file.
//!
//! | bytes | content |
//! |---|---|
//! | 4 | magic |
//! | 4 | length of the record; 0 ends the file |
//! | 8 | number of the record, from 1 without a gap |
//! | 8 | number of the first record of the same commit |
//! | 4 | CRC-32 of the record |
//! | 4 | CRC-32 of the frame's offset in the file and of the 28 bytes before |
//! | length | record |
//!
//! Integers are big-endian. The CRC of the offset ties a frame to its place: a copy elsewhere, in
//! the body of a delivery or in a block that the disk wrote twice, is not a valid frame. A commit
//! is written after the previous commit was synced, so a frame proves that everything before its
//! commit was once on disk.

use crc32fast::Hasher;

use super::record::LONGEST;

/// First bytes of a segment file, including the format version.
pub(super) const START: &[u8; 16] = b"hookshelf-spool1";

/// First bytes of a frame. The first and the last byte never occur in UTF-8 text.
const MAGIC: [u8; 4] = [0xFF, b'h', b's', 0xFE];

/// Bytes of a frame before the record.
pub(super) const HEAD: usize = 32;

/// A boundary between frames: number of the last record before it, and its offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) number: u64,
    pub(super) offset: u64,
}

impl Mark {
    /// The boundary before the first frame.
    pub(super) const START: Self = Self {
        number: 0,
        offset: START.len() as u64,
    };
}

/// The part of a frame before the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) number: u64,
    /// Number of the first record of the same commit.
    pub(super) commit: u64,
    length: u32,
    sum: u32,
}

impl Head {
    /// Head for `record`. No record is longer than [`LONGEST`].
    pub(super) fn of(record: &[u8], number: u64, commit: u64) -> Self {
        Self {
            number,
            commit,
            length: u32::try_from(record.len()).unwrap_or(u32::MAX),
            sum: crc32fast::hash(record),
        }
    }

    /// Encodes the head for `offset` of a file.
    pub(super) fn encode(&self, offset: u64) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(self.length.to_be_bytes());
        bytes.extend(self.number.to_be_bytes());
        bytes.extend(self.commit.to_be_bytes());
        bytes.extend(self.sum.to_be_bytes());
        bytes.extend(checksum(&bytes, offset).to_be_bytes());
        bytes
    }

    /// Decodes the head at `offset` of a file, if `bytes` from there start with a valid head.
    pub(super) fn decode(bytes: &[u8], offset: u64) -> Option<Self> {
        let (said, sum) = bytes.first_chunk::<HEAD>()?.split_last_chunk()?;
        let rest = said.strip_prefix(&MAGIC)?;
        if checksum(said, offset) != u32::from_be_bytes(*sum) {
            return None;
        }
        let (length, rest) = rest.split_first_chunk()?;
        let (number, rest) = rest.split_first_chunk()?;
        let (commit, rest) = rest.split_first_chunk()?;
        let head = Self {
            number: u64::from_be_bytes(*number),
            commit: u64::from_be_bytes(*commit),
            length: u32::from_be_bytes(*length),
            sum: u32::from_be_bytes(*rest.first_chunk()?),
        };
        let is_possible = (1..=head.number).contains(&head.commit) && head.length() <= LONGEST;
        is_possible.then_some(head)
    }

    /// Length of the record in bytes.
    pub(super) fn length(&self) -> usize {
        usize::try_from(self.length).unwrap_or(usize::MAX)
    }

    /// True if the frame ends its file and has no record.
    pub(super) fn ends_file(&self) -> bool {
        self.length == 0
    }

    /// The boundary after this frame, which starts at `offset`.
    pub(super) fn end(&self, offset: u64) -> Mark {
        Mark {
            number: self.number,
            offset: offset + HEAD as u64 + u64::from(self.length),
        }
    }

    /// True if `record` matches the length and checksum of this head.
    pub(super) fn is_of(&self, record: &[u8]) -> bool {
        record.len() == self.length() && crc32fast::hash(record) == self.sum
    }
}

fn checksum(said: &[u8], offset: u64) -> u32 {
    let mut hasher = Hasher::new();
    hasher.update(&offset.to_be_bytes());
    hasher.update(said);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_head_is_read_at_its_offset_as_it_was_written_and_nowhere_else(
            record: Vec<u8>, number in 1..u64::MAX, back: u64, offset in 0..u64::MAX / 2,
            bit in 0..HEAD * 8, shift in 1..100_000_u64,
        ) {
            let head = Head::of(&record, number, number - back % number);
            let mut bytes = head.encode(offset);
            prop_assert_eq!(bytes.len(), HEAD);
            prop_assert_eq!(Head::decode(&bytes, offset), Some(head));
            prop_assert!(head.is_of(&record) && !head.is_of(&[&record[..], b"x"].concat()));
            prop_assert_eq!(Head::decode(&bytes, offset + shift), None);
            prop_assert_eq!(Head::decode(&bytes[1..], offset), None);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(Head::decode(&bytes, offset), None);
        }
    }

    #[test]
    fn a_length_beyond_every_record_is_none() {
        let head = |length| Head {
            length,
            ..Head::of(b"", 1, 1)
        };
        let longest = u32::try_from(LONGEST).unwrap();
        let decoded = |head: Head| Head::decode(&head.encode(16), 16);
        assert_eq!(decoded(head(longest)), Some(head(longest)));
        assert_eq!(decoded(head(longest + 1)), None);
    }
}
