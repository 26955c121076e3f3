//! Items of lanes, and the keys that group them.

use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::Timestamp;

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
        Self(hash(("person", app, account, person)))
    }

    /// Lane of all events of one account.
    pub fn of_account(app: &str, account: &str) -> Self {
        Self(hash(("account", app, account)))
    }

    /// Lane of the one event at `position`.
    pub fn alone(position: i64) -> Self {
        Self(hash(("alone", position)))
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
        Self(hash((app, account)))
    }
}

/// Hash of `parts`. It is the same after a restart, because lease tokens contain it.
pub(super) fn hash(parts: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

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
