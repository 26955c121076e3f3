//! Items of lanes, and the keys that group them.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

/// An event that passes the filters of the consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// Position of the event in the log.
    pub position: i64,
    /// Time at which its delivery arrived.
    pub received_at: Timestamp,
    /// Lane of the event.
    pub lane: LaneKey,
    /// Account of the event. All items of a lane have the same one.
    pub account: AccountKey,
}

/// Origin of an extra.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A dead letter that an operator retries.
    Retry,
    /// The replay with this number.
    Replay(i32),
}

/// Unit of ordering: a hash of app, account and person. An event without a person is a lane of its
/// own.
///
/// Meta assigns the ids, so the hash needs no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LaneKey(u64);

impl LaneKey {
    /// The largest key.
    pub(super) const LAST: Self = Self(u64::MAX);

    /// Lane of the events of one person.
    pub fn of_person(app: &str, account: &str, person: &str) -> Self {
        let parts = ["person", app, account, person];
        Self(hash(&parts.map(str::as_bytes)))
    }

    /// Lane of all events of one account.
    pub fn of_account(app: &str, account: &str) -> Self {
        let parts = ["account", app, account];
        Self(hash(&parts.map(str::as_bytes)))
    }

    /// Lane of the one event at `position`.
    pub fn alone(position: i64) -> Self {
        Self(hash(&[b"alone", &position.to_be_bytes()]))
    }

    /// The key with these bits, from a lease token.
    pub fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Bits of the key, for a lease token.
    pub fn to_bits(self) -> u64 {
        self.0
    }
}

/// Account whose lanes share a limit: a hash of app and account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountKey(u64);

impl AccountKey {
    /// Key of an account of an app.
    pub fn of(app: &str, account: &str) -> Self {
        Self(hash(&[app.as_bytes(), account.as_bytes()]))
    }
}

/// Hash of `parts`: the start of a SHA-256 over each with its length. Lease tokens contain it, so it
/// is the same after a restart and in each version.
pub(super) fn hash(parts: &[&[u8]]) -> u64 {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    let sum: [u8; 32] = hasher.finalize().into();
    sum.first_chunk().copied().map_or(0, u64::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_same_in_each_version() {
        let key = LaneKey::of_person("shop", "1", "23");
        assert_eq!(key.to_bits(), 0xd616_4852_c587_7a91);
    }

    #[test]
    fn each_part_of_a_key_counts() {
        let keys = [
            LaneKey::of_person("shop", "1", "23"),
            LaneKey::of_person("shop", "12", "3"),
            LaneKey::of_person("shop2", "1", "23"),
            LaneKey::of_account("shop", "1"),
            LaneKey::alone(1),
            LaneKey::alone(2),
        ];
        for (at, key) in keys.iter().enumerate() {
            assert!(!keys[..at].contains(key), "{at}");
        }
        assert_eq!(LaneKey::from_bits(keys[0].to_bits()), keys[0]);
        assert_eq!(LaneKey::of_person("shop", "1", "23"), keys[0]);
        assert_ne!(AccountKey::of("shop", "12"), AccountKey::of("shop1", "2"));
    }
}
