//! Codec for records on disk: a version, fields one after the other, and a checksum.
//!
//! The codec is written by hand because records must stay readable for years: a general format
//! would add a dependency whose changes would have to be watched. The checksum is the start of a
//! SHA-256 over all bytes before it, so that a flipped bit in a body does not come out as a
//! delivery. Integers are big-endian.

use std::net::IpAddr;

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Length of the checksum in bytes.
pub const CHECKSUM: usize = 8;

/// Reason why a record cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The record has a version that this program does not know.
    #[error("the record has version {0} and needs a newer Hookshelf")]
    Version(u8),
    /// The checksum or a field is invalid.
    #[error("the record is damaged")]
    Damaged,
}

/// Encoder of a record.
#[derive(Debug)]
pub struct Encoder(Vec<u8>);

impl Encoder {
    /// Starts a record of this version; `room` is its approximate length.
    pub fn of(version: u8, room: usize) -> Self {
        let mut bytes = Vec::with_capacity(room + 64);
        bytes.push(version);
        Self(bytes)
    }

    /// Appends a flag.
    #[must_use]
    pub fn flag(mut self, flag: bool) -> Self {
        self.0.push(u8::from(flag));
        self
    }

    /// Appends an id.
    #[must_use]
    pub fn id(mut self, id: Uuid) -> Self {
        self.0.extend(id.as_bytes());
        self
    }

    /// Appends a time: seconds since 1970, nanoseconds.
    #[must_use]
    pub fn time(mut self, time: Timestamp) -> Self {
        self.0.extend(time.as_second().to_be_bytes());
        self.0.extend(time.subsec_nanosecond().to_be_bytes());
        self
    }

    /// Appends an optional address: its length, and its bytes.
    #[must_use]
    pub fn address(mut self, address: Option<IpAddr>) -> Self {
        match address {
            None => self.0.push(0),
            Some(IpAddr::V4(address)) => {
                self.0.push(4);
                self.0.extend(address.octets());
            }
            Some(IpAddr::V6(address)) => {
                self.0.push(16);
                self.0.extend(address.octets());
            }
        }
        self
    }

    /// Appends bytes with their length; `None` if the length exceeds 32 bits.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Option<Self> {
        let length = u32::try_from(bytes.len()).ok()?;
        self.0.extend(length.to_be_bytes());
        self.0.extend(bytes);
        Some(self)
    }

    /// Appends the checksum.
    pub fn finish(mut self) -> Vec<u8> {
        self.0.extend(checksum(&self.0));
        self.0
    }
}

/// Decoder of a record.
#[derive(Debug)]
pub struct Decoder<'a>(&'a [u8]);

impl<'a> Decoder<'a> {
    /// Checks the checksum and the version of `record`.
    ///
    /// # Errors
    /// If the record is damaged, or has another version.
    pub fn new(record: &'a [u8], version: u8) -> Result<Self, Unreadable> {
        let whole = record.split_last_chunk::<CHECKSUM>();
        let (said, sum) = whole.ok_or(Unreadable::Damaged)?;
        if checksum(said) != *sum {
            return Err(Unreadable::Damaged);
        }
        // All versions have this checksum, so the version byte can be trusted.
        match said.split_first() {
            Some((&found, rest)) if found == version => Ok(Self(rest)),
            Some((&found, _)) => Err(Unreadable::Version(found)),
            None => Err(Unreadable::Damaged),
        }
    }

    /// Reads a flag.
    pub fn flag(&mut self) -> Option<bool> {
        match self.take()? {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }

    /// Reads an id.
    pub fn id(&mut self) -> Option<Uuid> {
        self.take().map(Uuid::from_bytes)
    }

    /// Reads a time.
    pub fn time(&mut self) -> Option<Timestamp> {
        let seconds = i64::from_be_bytes(self.take()?);
        let nanoseconds = i32::from_be_bytes(self.take()?);
        let time = Timestamp::new(seconds, nanoseconds).ok()?;
        // Only the canonical form is valid: seconds and nanoseconds of different signs would be
        // encoded differently.
        let same = time.as_second() == seconds && time.subsec_nanosecond() == nanoseconds;
        same.then_some(time)
    }

    /// Reads an optional address.
    pub fn address(&mut self) -> Option<Option<IpAddr>> {
        match self.take()? {
            [0] => Some(None),
            [4] => self.take::<4>().map(|it| Some(it.into())),
            [16] => self.take::<16>().map(|it| Some(it.into())),
            _ => None,
        }
    }

    /// Reads bytes.
    pub fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(u32::from_be_bytes(self.take()?)).ok()?;
        let (first, others) = self.0.split_at_checked(length)?;
        self.0 = others;
        Some(first)
    }

    /// Reads a text.
    pub fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    /// True if no bytes are left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, others) = self.0.split_first_chunk::<N>()?;
        self.0 = others;
        Some(*first)
    }
}

/// The first bytes of the SHA-256 of `bytes`.
pub fn checksum(bytes: &[u8]) -> [u8; CHECKSUM] {
    let whole: [u8; 32] = Sha256::digest(bytes).into();
    let mut sum = [0; CHECKSUM];
    sum.copy_from_slice(&whole[..CHECKSUM]);
    sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_flipped_bit_or_a_missing_end_is_noticed(
            version: u8, field: Vec<u8>, at: prop::sample::Index, bit in 0..8,
        ) {
            let mut bytes = Encoder::of(version, 0).bytes(&field).unwrap().finish();
            let decoder = |bytes: &[u8]| Decoder::new(bytes, version).map(|_| ()).err();
            prop_assert_eq!(decoder(&bytes), None);
            let at = at.index(bytes.len());
            prop_assert_eq!(decoder(&bytes[..at]), Some(Unreadable::Damaged));
            bytes[at] ^= 1_u8 << bit;
            prop_assert_eq!(decoder(&bytes), Some(Unreadable::Damaged));
        }
    }

    #[test]
    fn a_time_has_one_form() {
        let time = |seconds: i64, nanoseconds: i32| {
            let bytes = [&seconds.to_be_bytes()[..], &nanoseconds.to_be_bytes()].concat();
            Decoder(&bytes).time()
        };
        assert_eq!(time(-2, -5), Timestamp::new(-2, -5).ok());
        assert_eq!(time(-2, 5), None);
        assert_eq!(time(2, -5), None);
    }

    #[test]
    fn fields_come_out_as_they_went_in() {
        let time = Timestamp::new(1, 2).unwrap();
        let address = Some(IpAddr::from([192, 0, 2, 7]));
        let encoder = Encoder::of(7, 0).flag(true).id(Uuid::from_u128(3));
        let encoder = encoder.time(time).address(address).address(None);
        let record = encoder.bytes(b"abc").unwrap().finish();
        let mut decoder = Decoder::new(&record, 7).unwrap();
        assert_eq!(decoder.flag(), Some(true));
        assert_eq!(decoder.id(), Some(Uuid::from_u128(3)));
        assert_eq!(decoder.time(), Some(time));
        assert_eq!(decoder.address(), Some(address));
        assert_eq!(decoder.address(), Some(None));
        assert_eq!(decoder.text(), Some("abc"));
        assert!(decoder.is_empty());
        assert_eq!(decoder.bytes(), None);
    }

    #[test]
    fn another_version_is_told_from_damage() {
        let newer = Encoder::of(2, 0).flag(true).finish();
        let decoder = |bytes| Decoder::new(bytes, 1).map(|_| ());
        assert_eq!(decoder(&newer), Err(Unreadable::Version(2)));
        assert_eq!(decoder(&newer[1..]), Err(Unreadable::Damaged));
        assert_eq!(decoder(&[]), Err(Unreadable::Damaged));
    }
}
