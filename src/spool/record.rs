//! A delivery as the spool keeps it, and the bytes that it becomes.
//!
//! The first byte is the version of what follows, so that a later program knows how to read what
//! an earlier one wrote. The last eight are the start of a SHA-256 over all before them: the
//! database below checks its pages after a crash only, and a bit that flipped in a body must not
//! come out as a delivery. Written by hand because it is one flat struct that has to be readable
//! for years: a general format would add a dependency whose own changes would have to be watched.
//!
//! Version 1, numbers with the high byte first:
//!
//! | bytes | what |
//! |---|---|
//! | 1 | version, 1 |
//! | 1 | whether simulated, 0 or 1 |
//! | 16 | id |
//! | 8, 4 | `received_at`: seconds since 1970, nanoseconds |
//! | 1, then 0, 4 or 16 | length of the address, the address |
//! | 4 and that many, four times | app, secret, headers, body |
//! | 8 | checksum |

use std::{fmt, net::IpAddr, sync::Arc};

use bytes::Bytes;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The version that is written.
const VERSION: u8 = 1;

pub(super) const CHECKSUM: usize = 8;

/// The most bytes that one record may become: far more than any body that the door lets in.
pub const LONGEST: usize = 64 << 20;

/// A verified delivery, not parsed: parsing is done again when it leaves the spool.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// Minted when it was accepted; makes storing it twice harmless.
    pub id: Uuid,
    /// When it was accepted.
    pub received_at: Timestamp,
    /// The app whose path and secret it used.
    pub app: Arc<str>,
    /// The headers of the allow-list, as a JSON object.
    pub headers: String,
    /// The address it came from, behind trusted proxies.
    pub remote_addr: Option<IpAddr>,
    /// Whether it carries a valid mark of `hookshelf simulate`.
    pub simulated: bool,
    /// The name of the secret that matched.
    pub secret: Arc<str>,
    /// Its bytes exactly as received.
    pub body: Bytes,
}

/// Why bytes of the spool are no record that this program can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Another program wrote them, a newer one it seems.
    #[error("the record has version {0}, which a newer Hookshelf reads")]
    Version(u8),
    /// They are not what was written.
    #[error("the record is damaged")]
    Damaged,
}

impl Record {
    /// The bytes of this record; `None` where they would be more than [`LONGEST`].
    pub fn encode(&self) -> Option<Vec<u8>> {
        let (app, secret) = (self.app.as_bytes(), self.secret.as_bytes());
        let texts = [app, secret, self.headers.as_bytes(), &self.body];
        let length = texts.iter().map(|text| text.len() + 4).sum::<usize>();
        let mut bytes = Vec::with_capacity(length + 64);
        bytes.extend([VERSION, u8::from(self.simulated)]);
        bytes.extend(self.id.as_bytes());
        bytes.extend(self.received_at.as_second().to_be_bytes());
        bytes.extend(self.received_at.subsec_nanosecond().to_be_bytes());
        put_address(&mut bytes, self.remote_addr);
        for text in texts {
            bytes.extend(u32::try_from(text.len()).ok()?.to_be_bytes());
            bytes.extend(text);
        }
        bytes.extend(checksum(&bytes));
        (bytes.len() <= LONGEST).then_some(bytes)
    }

    /// The record that `bytes` are.
    ///
    /// # Errors
    /// They are none: they are damaged, or of a version that this program does not know.
    pub fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let (said, sum) = bytes
            .split_last_chunk::<CHECKSUM>()
            .ok_or(Unreadable::Damaged)?;
        if checksum(said) != *sum {
            return Err(Unreadable::Damaged);
        }
        // The checksum is of every version: what it holds for was written so.
        match said.split_first() {
            Some((&VERSION, rest)) => read(rest).ok_or(Unreadable::Damaged),
            Some((&version, _)) => Err(Unreadable::Version(version)),
            None => Err(Unreadable::Damaged),
        }
    }
}

impl fmt::Debug for Record {
    /// Says which delivery it is and nothing of what it holds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("id", &self.id)
            .field("received_at", &self.received_at)
            .field("app", &self.app)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// The start of the SHA-256 of `bytes`.
pub(super) fn checksum(bytes: &[u8]) -> [u8; CHECKSUM] {
    let whole: [u8; 32] = Sha256::digest(bytes).into();
    let mut sum = [0; CHECKSUM];
    sum.copy_from_slice(&whole[..CHECKSUM]);
    sum
}

fn put_address(bytes: &mut Vec<u8>, address: Option<IpAddr>) {
    match address {
        None => bytes.push(0),
        Some(IpAddr::V4(address)) => {
            bytes.push(4);
            bytes.extend(address.octets());
        }
        Some(IpAddr::V6(address)) => {
            bytes.push(16);
            bytes.extend(address.octets());
        }
    }
}

/// What stands between the version and the checksum.
fn read(mut rest: &[u8]) -> Option<Record> {
    let rest = &mut rest;
    let simulated = match take(rest)? {
        [0] => false,
        [1] => true,
        _ => return None,
    };
    let record = Record {
        simulated,
        id: Uuid::from_bytes(take(rest)?),
        received_at: take_time(rest)?,
        remote_addr: take_address(rest).ok()?,
        app: take_text(rest)?.into(),
        secret: take_text(rest)?.into(),
        headers: take_text(rest)?.to_owned(),
        body: Bytes::copy_from_slice(take_bytes(rest)?),
    };
    rest.is_empty().then_some(record)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, others) = rest.split_first_chunk::<N>()?;
    *rest = others;
    Some(*first)
}

fn take_time(rest: &mut &[u8]) -> Option<Timestamp> {
    let seconds = i64::from_be_bytes(take(rest)?);
    let nanoseconds = i32::from_be_bytes(take(rest)?);
    let time = Timestamp::new(seconds, nanoseconds).ok()?;
    // A time has one form: two of different signs would be read and written back as others.
    let same = time.as_second() == seconds && time.subsec_nanosecond() == nanoseconds;
    same.then_some(time)
}

fn take_address(rest: &mut &[u8]) -> Result<Option<IpAddr>, Unreadable> {
    let address = match take(rest) {
        Some([0]) => return Ok(None),
        Some([4]) => take::<4>(rest).map(IpAddr::from),
        Some([16]) => take::<16>(rest).map(IpAddr::from),
        _ => None,
    };
    address.map(Some).ok_or(Unreadable::Damaged)
}

fn take_bytes<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(u32::from_be_bytes(take(rest)?)).ok()?;
    let (first, others) = rest.split_at_checked(length)?;
    *rest = others;
    Some(first)
}

fn take_text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    std::str::from_utf8(take_bytes(rest)?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn records() -> impl Strategy<Value = Record> {
        let time = (-377_705_023_201_i64..=253_402_207_200, 0..1_000_000_000);
        let texts = (".*", ".*", ".*", any::<Vec<u8>>());
        let address = any::<Option<IpAddr>>();
        (any::<u128>(), time, address, any::<bool>(), texts).prop_map(
            |(id, (seconds, nanoseconds), remote_addr, simulated, (app, secret, headers, body))| {
                Record {
                    id: Uuid::from_u128(id),
                    received_at: Timestamp::new(seconds, nanoseconds).unwrap_or(Timestamp::MIN),
                    app: app.into(),
                    headers,
                    remote_addr,
                    simulated,
                    secret: secret.into(),
                    body: body.into(),
                }
            },
        )
    }

    /// `bytes` with the checksum that makes the parts behind it be read.
    fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
        bytes.extend(checksum(&bytes));
        bytes
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(record in records()) {
            prop_assert_eq!(Record::decode(&record.encode().unwrap()), Ok(record));
        }

        #[test]
        fn any_bytes_are_a_record_or_none_and_never_a_panic(bytes: Vec<u8>) {
            prop_assert!(Record::decode(&bytes).is_err());
            let _ = Record::decode(&sealed(bytes.clone()));
            let _ = Record::decode(&sealed([&[VERSION, 0], &bytes[..]].concat()));
        }

        #[test]
        fn a_sealed_record_with_other_bytes_in_it_is_read_totally(
            record in records(), at: prop::sample::Index, byte: u8,
        ) {
            let mut bytes = record.encode().unwrap();
            bytes.truncate(bytes.len() - CHECKSUM);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let Ok(read) = Record::decode(&sealed(bytes.clone())) {
                prop_assert_eq!(read.encode(), Some(sealed(bytes)));
            }
        }

        #[test]
        fn a_flipped_bit_or_a_missing_end_is_noticed(
            record in records(), at: prop::sample::Index, bit in 0..8,
        ) {
            let mut bytes = record.encode().unwrap();
            let at = at.index(bytes.len());
            prop_assert!(Record::decode(&bytes[..at]).is_err());
            bytes[at] ^= 1_u8 << bit;
            prop_assert_eq!(Record::decode(&bytes), Err(Unreadable::Damaged));
        }
    }

    #[test]
    fn another_version_is_told_from_damage() {
        let newer = sealed(vec![VERSION + 1, 7, 7]);
        assert_eq!(
            Record::decode(&newer),
            Err(Unreadable::Version(VERSION + 1))
        );
        assert_eq!(Record::decode(&[]), Err(Unreadable::Damaged));
    }

    #[test]
    fn a_time_has_one_form() {
        let time = |seconds: i64, nanoseconds: i32| {
            let bytes = [&seconds.to_be_bytes()[..], &nanoseconds.to_be_bytes()].concat();
            take_time(&mut &bytes[..])
        };
        assert_eq!(time(-2, -5), Timestamp::new(-2, -5).ok());
        assert_eq!(time(-2, 5), None);
        assert_eq!(time(2, -5), None);
    }

    #[test]
    fn what_is_too_long_is_not_encoded() {
        let record = crate::spool::tests::record(1, vec![0; LONGEST]);
        assert_eq!(record.encode(), None);
    }

    /// The bytes that version 1 was released with: they have to stay readable for ever.
    #[test]
    fn version_1_stays_readable() {
        let bytes = hex::decode(include_str!("version_1.hex").trim()).unwrap();
        let record = crate::spool::tests::record(1, b"{}".to_vec());
        assert_eq!(Record::decode(&bytes), Ok(record));
    }
}
