//! Fields as bytes that are kept on disk: one after the other, a version in front and a checksum
//! behind.
//!
//! Written by hand because what is kept so has to be readable for years: a general format would add
//! a dependency whose own changes would have to be watched. The checksum is the start of a SHA-256
//! over all before it: a bit that flipped in a body must not come out as a delivery. Numbers have
//! their high byte first.

use std::net::IpAddr;

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Bytes of the checksum.
pub const CHECKSUM: usize = 8;

/// Why bytes are none that this program can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Another program wrote them, a newer one it seems.
    #[error("the record has version {0}, which a newer Hookshelf reads")]
    Version(u8),
    /// They are not what was written.
    #[error("the record is damaged")]
    Damaged,
}

/// Puts fields one behind the other.
#[derive(Debug)]
pub struct Sealing(Vec<u8>);

impl Sealing {
    /// Begins with the version of what follows; `room` is about how many bytes that will be.
    pub fn of(version: u8, room: usize) -> Self {
        let mut bytes = Vec::with_capacity(room + 64);
        bytes.push(version);
        Self(bytes)
    }

    /// Yes or no.
    #[must_use]
    pub fn flag(mut self, flag: bool) -> Self {
        self.0.push(u8::from(flag));
        self
    }

    /// An id.
    #[must_use]
    pub fn id(mut self, id: Uuid) -> Self {
        self.0.extend(id.as_bytes());
        self
    }

    /// A moment: seconds since 1970, nanoseconds.
    #[must_use]
    pub fn time(mut self, time: Timestamp) -> Self {
        self.0.extend(time.as_second().to_be_bytes());
        self.0.extend(time.subsec_nanosecond().to_be_bytes());
        self
    }

    /// An address, if there is one: its length, itself.
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

    /// Bytes: their length, themselves; `None` where they are more than a length can say.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Option<Self> {
        let length = u32::try_from(bytes.len()).ok()?;
        self.0.extend(length.to_be_bytes());
        self.0.extend(bytes);
        Some(self)
    }

    /// Ends with the checksum.
    pub fn seal(mut self) -> Vec<u8> {
        self.0.extend(checksum(&self.0));
        self.0
    }
}

/// Takes fields off, from the front.
#[derive(Debug)]
pub struct Opened<'a>(&'a [u8]);

impl<'a> Opened<'a> {
    /// What stands between the version and the checksum of `sealed`.
    ///
    /// # Errors
    /// They are damaged, or of another version.
    pub fn new(sealed: &'a [u8], version: u8) -> Result<Self, Unreadable> {
        let whole = sealed.split_last_chunk::<CHECKSUM>();
        let (said, sum) = whole.ok_or(Unreadable::Damaged)?;
        if checksum(said) != *sum {
            return Err(Unreadable::Damaged);
        }
        // The checksum is of every version: what it holds for was written so.
        match said.split_first() {
            Some((&found, rest)) if found == version => Ok(Self(rest)),
            Some((&found, _)) => Err(Unreadable::Version(found)),
            None => Err(Unreadable::Damaged),
        }
    }

    /// Yes or no.
    pub fn flag(&mut self) -> Option<bool> {
        match self.take()? {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }

    /// An id.
    pub fn id(&mut self) -> Option<Uuid> {
        self.take().map(Uuid::from_bytes)
    }

    /// A moment.
    pub fn time(&mut self) -> Option<Timestamp> {
        let seconds = i64::from_be_bytes(self.take()?);
        let nanoseconds = i32::from_be_bytes(self.take()?);
        let time = Timestamp::new(seconds, nanoseconds).ok()?;
        // A time has one form: two of different signs would be read and written back as others.
        let same = time.as_second() == seconds && time.subsec_nanosecond() == nanoseconds;
        same.then_some(time)
    }

    /// An address, which may be none.
    pub fn address(&mut self) -> Option<Option<IpAddr>> {
        match self.take()? {
            [0] => Some(None),
            [4] => self.take::<4>().map(|it| Some(it.into())),
            [16] => self.take::<16>().map(|it| Some(it.into())),
            _ => None,
        }
    }

    /// Bytes.
    pub fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(u32::from_be_bytes(self.take()?)).ok()?;
        let (first, others) = self.0.split_at_checked(length)?;
        self.0 = others;
        Some(first)
    }

    /// A text.
    pub fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, others) = self.0.split_first_chunk::<N>()?;
        self.0 = others;
        Some(*first)
    }
}

/// The start of the SHA-256 of `bytes`.
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
            let mut bytes = Sealing::of(version, 0).bytes(&field).unwrap().seal();
            let opened = |bytes: &[u8]| Opened::new(bytes, version).map(|_| ()).err();
            prop_assert_eq!(opened(&bytes), None);
            let at = at.index(bytes.len());
            prop_assert_eq!(opened(&bytes[..at]), Some(Unreadable::Damaged));
            bytes[at] ^= 1_u8 << bit;
            prop_assert_eq!(opened(&bytes), Some(Unreadable::Damaged));
        }
    }

    #[test]
    fn a_time_has_one_form() {
        let time = |seconds: i64, nanoseconds: i32| {
            let bytes = [&seconds.to_be_bytes()[..], &nanoseconds.to_be_bytes()].concat();
            Opened(&bytes).time()
        };
        assert_eq!(time(-2, -5), Timestamp::new(-2, -5).ok());
        assert_eq!(time(-2, 5), None);
        assert_eq!(time(2, -5), None);
    }

    #[test]
    fn fields_come_out_as_they_went_in() {
        let time = Timestamp::new(1, 2).unwrap();
        let address = Some(IpAddr::from([192, 0, 2, 7]));
        let sealing = Sealing::of(7, 0).flag(true).id(Uuid::from_u128(3));
        let sealing = sealing.time(time).address(address).address(None);
        let sealed = sealing.bytes(b"abc").unwrap().seal();
        let mut opened = Opened::new(&sealed, 7).unwrap();
        assert_eq!(opened.flag(), Some(true));
        assert_eq!(opened.id(), Some(Uuid::from_u128(3)));
        assert_eq!(opened.time(), Some(time));
        assert_eq!(opened.address(), Some(address));
        assert_eq!(opened.address(), Some(None));
        assert_eq!(opened.text(), Some("abc"));
        assert!(opened.is_empty());
        assert_eq!(opened.bytes(), None);
    }

    #[test]
    fn another_version_is_told_from_damage() {
        let newer = Sealing::of(2, 0).flag(true).seal();
        let opened = |bytes| Opened::new(bytes, 1).map(|_| ());
        assert_eq!(opened(&newer), Err(Unreadable::Version(2)));
        assert_eq!(opened(&newer[1..]), Err(Unreadable::Damaged));
        assert_eq!(opened(&[]), Err(Unreadable::Damaged));
    }
}
