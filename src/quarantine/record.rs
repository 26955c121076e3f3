//! A quarantined delivery and its encoding.
//!
//! The bytes are [encoded](crate::codec), so a truncated or changed file is detected. Version 1:
//!
//! | bytes | what |
//! |---|---|
//! | 1 | version, 1 |
//! | 16 | id |
//! | 8, 4 | `received_at`: seconds since 1970, nanoseconds |
//! | 1, then 0, 4 or 16 | length of the address, the address |
//! | 4 and that many, five times | app, headers, signature, mark, body |
//! | 8 | checksum |

use std::{fmt, net::IpAddr};

use bytes::Bytes;

use crate::{
    codec::{CHECKSUM, Decoder, Encoder, Unreadable},
    envelope::Envelope,
    meta::signature::{Fault, Secrets, VerifiedBody},
};

/// Version written by this program.
const VERSION: u8 = 1;

/// A delivery whose signature matched no secret, exactly as received.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// Identity and origin, kept if the delivery is stored later.
    pub envelope: Envelope,
    /// The value of `X-Hub-Signature-256`.
    pub signature: Bytes,
    /// The value of `X-Hookshelf-Simulated`; empty if missing. It can only be verified with a
    /// correct secret.
    pub mark: Bytes,
    /// Bytes of the body exactly as received.
    pub body: Bytes,
}

impl Record {
    /// Approximate memory size in bytes.
    pub fn size(&self) -> usize {
        let headers = self.envelope.headers.len();
        headers + self.signature.len() + self.mark.len() + self.body.len()
    }

    /// Verifies the signature again with `secrets`.
    ///
    /// # Errors
    /// If the signature matches none of `secrets`.
    pub fn verify(&self, secrets: &Secrets) -> Result<VerifiedBody, Fault> {
        secrets.verify(Some(&self.signature), self.body.clone())
    }

    /// True if one of `secrets` signed the mark for a simulated delivery.
    pub fn is_simulated(&self, secrets: &Secrets) -> bool {
        secrets.marks_simulated(&self.mark, &self.body)
    }

    /// Encoded length in bytes.
    pub(super) fn length(&self) -> usize {
        let address = match self.envelope.remote_addr {
            None => 0,
            Some(IpAddr::V4(_)) => 4,
            Some(IpAddr::V6(_)) => 16,
        };
        1 + 16 + 12 + 1 + address + 5 * 4 + self.envelope.app.len() + self.size() + CHECKSUM
    }

    /// Encodes this record; `None` if a field is too long.
    pub(super) fn encode(&self) -> Option<Vec<u8>> {
        let envelope = &self.envelope;
        let mut encoder = Encoder::of(VERSION, self.length())
            .id(envelope.id)
            .time(envelope.received_at)
            .address(envelope.remote_addr);
        let (app, headers) = (envelope.app.as_bytes(), envelope.headers.as_bytes());
        for field in [app, headers, &self.signature, &self.mark, &self.body] {
            encoder = encoder.bytes(field)?;
        }
        Some(encoder.finish())
    }

    /// Decodes a record.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let mut fields = Decoder::new(bytes, VERSION)?;
        let record = Self::read(&mut fields).filter(|_| fields.is_empty());
        record.ok_or(Unreadable::Damaged)
    }

    fn read(fields: &mut Decoder<'_>) -> Option<Self> {
        let (id, received_at, remote_addr) = (fields.id()?, fields.time()?, fields.address()?);
        Some(Self {
            envelope: Envelope {
                id,
                received_at,
                app: fields.text()?.into(),
                headers: fields.text()?.to_owned(),
                remote_addr,
            },
            signature: Bytes::copy_from_slice(fields.bytes()?),
            mark: Bytes::copy_from_slice(fields.bytes()?),
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
    use crate::{codec::checksum, envelope::tests::envelopes, quarantine::tests::record};

    fn records() -> impl Strategy<Value = Record> {
        let bytes = any::<Vec<u8>>;
        (envelopes(), bytes(), bytes(), bytes()).prop_map(|(envelope, signature, mark, body)| {
            Record {
                envelope,
                signature: signature.into(),
                mark: mark.into(),
                body: body.into(),
            }
        })
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(record in records()) {
            let bytes = record.encode().unwrap();
            prop_assert_eq!(bytes.len(), record.length());
            prop_assert_eq!(Record::decode(&bytes), Ok(record));
        }

        #[test]
        fn any_bytes_with_a_right_checksum_are_read_totally(bytes: Vec<u8>) {
            let mut bytes = [&[VERSION], &bytes[..]].concat();
            bytes.extend(checksum(&bytes));
            if let Ok(record) = Record::decode(&bytes) {
                prop_assert_eq!(record.encode(), Some(bytes));
            }
        }
    }

    /// Bytes of version 1 as released: quarantined deliveries must stay readable after an upgrade.
    #[test]
    fn version_1_stays_readable() {
        let bytes = hex::decode(include_str!("version_1.hex").trim()).unwrap();
        assert_eq!(Record::decode(&bytes), Ok(record(1, "192.0.2.7", "{}")));
    }

    #[test]
    fn what_it_holds_is_not_shown() {
        let shown = format!("{:?}", record(1, "192.0.2.7", "a body"));
        assert!(!shown.contains("sha256") && !shown.contains("a body"));
    }
}
