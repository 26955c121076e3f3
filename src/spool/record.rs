//! A spooled delivery and its encoding.
//!
//! The bytes are [encoded](crate::codec) with a checksum, which identifies a record
//! apart from its file. Version 1:
//!
//! | bytes | what |
//! |---|---|
//! | 1 | version, 1 |
//! | 1 | 1 if simulated, else 0 |
//! | 16 | id |
//! | 8, 4 | `received_at`: seconds since 1970, nanoseconds |
//! | 1, then 0, 4 or 16 | length of the address, the address |
//! | 4 and that many, four times | app, secret, headers, body |
//! | 8 | checksum |

use std::{fmt, sync::Arc};

use bytes::Bytes;

pub use crate::codec::Unreadable;
use crate::{
    codec::{Decoder, Encoder},
    envelope::Envelope,
};

/// Version written by this program.
const VERSION: u8 = 1;

/// Maximum size of an encoded record: the longest body that `http.max_body_bytes` allows, with room
/// for its headers.
pub const LONGEST: usize = 65 << 20;

/// A verified delivery, not parsed. The drain parses it again.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// Identity and origin of the delivery.
    pub envelope: Envelope,
    /// True if the delivery carries a valid mark of `hookshelf simulate`.
    pub simulated: bool,
    /// Name of the secret that matched.
    pub secret: Arc<str>,
    /// Bytes of the body exactly as received.
    pub body: Bytes,
}

impl Record {
    /// Encodes this record; `None` if the result would exceed [`LONGEST`].
    pub fn encode(&self) -> Option<Vec<u8>> {
        let envelope = &self.envelope;
        let (app, secret) = (envelope.app.as_bytes(), self.secret.as_bytes());
        let texts = [app, secret, envelope.headers.as_bytes(), &self.body];
        let room = texts.iter().map(|text| text.len() + 4).sum();
        let mut encoder = Encoder::of(VERSION, room)
            .flag(self.simulated)
            .id(envelope.id)
            .time(envelope.received_at)
            .address(envelope.remote_addr);
        for text in texts {
            encoder = encoder.bytes(text)?;
        }
        let bytes = encoder.finish();
        (bytes.len() <= LONGEST).then_some(bytes)
    }

    /// Decodes a record.
    ///
    /// # Errors
    /// If `bytes` are damaged, or of a version that this program does not know.
    pub fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let mut fields = Decoder::new(bytes, VERSION)?;
        let record = Self::read(&mut fields).filter(|_| fields.is_empty());
        record.ok_or(Unreadable::Damaged)
    }

    fn read(fields: &mut Decoder<'_>) -> Option<Self> {
        let simulated = fields.flag()?;
        let (id, received_at, remote_addr) = (fields.id()?, fields.time()?, fields.address()?);
        let (app, secret) = (fields.text()?.into(), fields.text()?.into());
        Some(Self {
            envelope: Envelope {
                id,
                received_at,
                app,
                headers: fields.text()?.to_owned(),
                remote_addr,
            },
            simulated,
            secret,
            body: Bytes::copy_from_slice(fields.bytes()?),
        })
    }
}

impl fmt::Debug for Record {
    /// Shows which delivery it is, and no content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("envelope", &self.envelope)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        codec::{CHECKSUM, checksum},
        envelope::tests::envelopes,
    };

    fn records() -> impl Strategy<Value = Record> {
        (envelopes(), any::<bool>(), ".*", any::<Vec<u8>>()).prop_map(
            |(envelope, simulated, secret, body)| Record {
                envelope,
                simulated,
                secret: secret.into(),
                body: body.into(),
            },
        )
    }

    /// Appends a valid checksum to `bytes`, so that decoding gets past it.
    fn with_checksum(mut bytes: Vec<u8>) -> Vec<u8> {
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
            let _ = Record::decode(&with_checksum(bytes.clone()));
            let _ = Record::decode(&with_checksum([&[VERSION, 0], &bytes[..]].concat()));
        }

        #[test]
        fn a_record_with_a_right_checksum_and_other_bytes_in_it_is_read_totally(
            record in records(), at: prop::sample::Index, byte: u8,
        ) {
            let mut bytes = record.encode().unwrap();
            bytes.truncate(bytes.len() - CHECKSUM);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let Ok(read) = Record::decode(&with_checksum(bytes.clone())) {
                prop_assert_eq!(read.encode(), Some(with_checksum(bytes)));
            }
        }
    }

    #[test]
    fn another_version_is_told_from_damage() {
        let newer = with_checksum(vec![VERSION + 1, 7, 7]);
        assert_eq!(
            Record::decode(&newer),
            Err(Unreadable::Version(VERSION + 1))
        );
        assert_eq!(Record::decode(&[]), Err(Unreadable::Damaged));
    }

    #[test]
    fn the_longest_body_that_the_door_can_let_in_has_room_for_its_headers() {
        let mut record = crate::spool::tests::record(1, vec![0; 64 << 20]);
        record.envelope.headers = "h".repeat(64 << 10);
        assert!(record.encode().is_some());
    }

    #[test]
    fn what_is_too_long_is_not_encoded() {
        let record = crate::spool::tests::record(1, vec![0; LONGEST]);
        assert_eq!(record.encode(), None);
    }

    /// Bytes of version 1 as released, which must stay readable forever.
    #[test]
    fn version_1_stays_readable() {
        let bytes = hex::decode(include_str!("version_1.hex").trim()).unwrap();
        let record = crate::spool::tests::record(1, b"{}".to_vec());
        assert_eq!(Record::decode(&bytes), Ok(record));
    }
}
