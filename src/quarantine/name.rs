//! File name of a quarantined delivery. The name has all that is needed to count and share the
//! space, without reading the file.

use std::{fmt, sync::Arc};

use ipnet::IpNet;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Record;
use crate::meta::networks;

/// Suffix of the file names.
const ENDING: &str = ".held";

/// Disk space of a file beside its blocks: directory entry and inode.
const OVERHEAD: u64 = 512;

/// Block size of the file system.
const BLOCK: u64 = 4096;

/// File name of a quarantined delivery; ordered by arrival.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    id: Uuid,
    app: Arc<str>,
    network: IpNet,
    print: [u8; 8],
}

impl Name {
    /// The name of `record`; `None` if its address has no network.
    pub(super) fn of(record: &Record) -> Option<Self> {
        Some(Self {
            id: record.envelope.id,
            app: Arc::clone(&record.envelope.app),
            network: networks::network(record.envelope.remote_addr?)?,
            print: print(record),
        })
    }

    /// Parses a file name.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_suffix(ENDING)?.split('.');
        let name = Self {
            id: Uuid::try_parse(parts.next()?).ok()?,
            app: parts.next()?.into(),
            network: network(parts.next()?)?,
            print: bytes(parts.next()?)?,
        };
        // The text must be in canonical form, so that the name leads back to the file.
        (name.to_string() == text).then_some(name)
    }

    /// The id of the delivery.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// App whose path was requested.
    pub fn app(&self) -> &Arc<str> {
        &self.app
    }

    /// Network of the sender.
    pub fn network(&self) -> IpNet {
        self.network
    }

    /// True if the sender is in one of Meta's own networks.
    pub fn is_from_meta(&self) -> bool {
        networks::is_metas(&self.network)
    }

    /// Receive time, in milliseconds, taken from the id.
    pub fn received_at(&self) -> Timestamp {
        let mut millis = [0; 8];
        millis[2..].copy_from_slice(&self.id.as_bytes()[..6]);
        let moment = Timestamp::from_millisecond(i64::from_be_bytes(millis));
        moment.unwrap_or(Timestamp::MAX)
    }

    /// Fingerprint of the delivery: a resent delivery has the same.
    pub(super) fn print(&self) -> [u8; 8] {
        self.print
    }
}

/// Disk space of a file of `bytes` bytes.
pub(super) fn cost(bytes: u64) -> u64 {
    bytes.next_multiple_of(BLOCK) + OVERHEAD
}

/// First bytes of a SHA-256 over app, signature and body.
fn print(record: &Record) -> [u8; 8] {
    let mut hash = Sha256::new();
    for field in [
        record.envelope.app.as_bytes(),
        &record.signature,
        &record.body,
    ] {
        hash.update(field.len().to_be_bytes());
        hash.update(field);
    }
    let whole: [u8; 32] = hash.finalize().into();
    let mut print = [0; 8];
    print.copy_from_slice(&whole[..8]);
    print
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let network = match self.network {
            IpNet::V4(net) => hex::encode(&net.addr().octets()[..3]),
            IpNet::V6(net) => hex::encode(&net.addr().octets()[..6]),
        };
        let (id, app, print) = (self.id.simple(), &self.app, hex::encode(self.print));
        write!(f, "{id}.{app}.{network}.{print}{ENDING}")
    }
}

fn network(digits: &str) -> Option<IpNet> {
    let address = match digits.len() {
        6 => {
            let [a, b, c] = bytes(digits)?;
            [a, b, c, 0].into()
        }
        12 => {
            let mut octets = [0; 16];
            octets[..6].copy_from_slice(&bytes::<6>(digits)?);
            octets.into()
        }
        _ => return None,
    };
    networks::network(address)
}

fn bytes<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    hex::decode_to_slice(digits, &mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quarantine::tests::{name, record};

    #[test]
    fn a_name_says_who_and_when() {
        for address in ["198.51.100.7", "2001:db8:1:2::3", "173.252.95.16"] {
            let record = record(7, address, "{}");
            let name = Name::of(&record).unwrap();
            let read = Name::parse(&name.to_string()).unwrap();
            assert_eq!(read, name);
            assert_eq!(read.received_at(), record.envelope.received_at);
            assert_eq!(read.is_from_meta(), address.starts_with("173"));
        }
    }

    #[test]
    fn names_stand_in_the_order_of_arrival() {
        let mut names = [3, 1, 2].map(|number| name(number, "198.51.100.7"));
        names.sort();
        assert!(names.is_sorted_by_key(Name::received_at));
    }

    #[test]
    fn other_names_are_none() {
        let good = name(1, "198.51.100.7").to_string();
        assert!(Name::parse(&good).is_some());
        for other in [
            "lock",
            ".held",
            &good.to_uppercase(),
            &good.replace(".held", ".new"),
            &good.replace("c63364", "c633640"),
            &good.replace(".default.", "."),
        ] {
            assert!(Name::parse(other).is_none(), "{other}");
        }
    }

    #[test]
    fn the_same_body_with_the_same_signature_is_the_same() {
        let print = |body| name_of(1, body).print();
        assert_eq!(print("a"), name_of(2, "a").print());
        assert_ne!(print("a"), print("b"));
    }

    fn name_of(number: u32, body: &'static str) -> Name {
        Name::of(&record(number, "198.51.100.7", body)).unwrap()
    }
}
