//! Dedupe keys: equal for every delivery of one occurrence, different for different occurrences.
//!
//! Meta resends deliveries without an ack, sends the same message through two products, and the
//! same comment for an ad and its post, each time in a different body. So a key is made from the
//! natural key within its app, account and kind, and from nothing else: not from the channel, the
//! secret, the receive time or the index in a list. An item without a natural key is identified by
//! its content, and by `entry.time` if it has no time of its own.

mod content;
mod hash;
mod natural;

use std::collections::HashMap;

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    json::{self, Value},
    time,
};
use hash::{Hash, Sum};

pub use natural::NaturalKey;

/// Scope of the natural keys of an entry: one account of one app. An account id and `entry.time`
/// may be as long as a body, so both are hashed once for all items of the entry.
#[derive(Clone, Debug)]
pub struct Scope {
    hash: Hash,
    /// Hash of the scope and `entry.time`, for items with neither an id nor a time of their own.
    sent: Hash,
    sent_at: Option<Timestamp>,
}

impl Scope {
    /// The scope of `account` (`entry.id`) in `app`; `sent` is the text of `entry.time`.
    pub fn new(app: &str, account: Option<&str>, sent: Option<&str>) -> Self {
        let mut hash = Hash::default();
        hash.part(Some(app)).part(account);
        let sent_at = sent.and_then(time::read);
        let milliseconds = sent_at.map(|at| at.as_millisecond().to_string());
        let mut with_time = hash.clone();
        with_time
            .part(Some("sent"))
            .part(milliseconds.as_deref().or(sent));
        Self {
            hash,
            sent: with_time,
            sent_at,
        }
    }
}

/// Counters of items in one body that are identified by the same content.
#[derive(Debug, Default)]
pub struct Occurrences(HashMap<Sum, u64>);

impl Occurrences {
    /// Counts an occurrence and returns its number, from 0.
    fn next(&mut self, digest: Sum) -> u64 {
        let count = self.0.entry(digest).or_default();
        *count += 1;
        *count - 1
    }
}

/// Content of an item, which identifies an item without natural key.
#[derive(Clone, Copy, Debug)]
pub enum Named<'t, 'a> {
    /// A value.
    Value(Value<'t, 'a>),
    /// An object with these keys, except keys without a value.
    Object([(&'static str, Option<Value<'t, 'a>>); 3]),
}

impl Named<'_, '_> {
    /// Adds the digest of the content, or the text of a value that is nested too deep.
    fn add_to(self, hash: &mut Hash) {
        match self {
            Self::Value(value) if value.depth() > json::MAX_DEPTH => hash.part(Some(value.raw())),
            Self::Value(value) => hash.bytes(&content::digest(value)),
            Self::Object(pairs) => {
                let pairs = pairs.into_iter();
                let pairs = pairs.filter_map(|(key, value)| Some((key.into(), value?)));
                hash.bytes(&content::of_pairs(pairs))
            }
        };
    }
}

/// Dedupe key of an item: 16 bytes of SHA-256.
///
/// If the natural key contains a time, or a `mid` with its creation time, the first 4 bytes are the
/// second of that time: so keys of the same time are adjacent in the index, and a commit touches
/// few index pages. The kind is part of the hash, since one `mid` identifies a message, its edits,
/// its reactions and its unsend.
pub fn key(
    scope: &Scope,
    natural: NaturalKey<'_>,
    item: Named<'_, '_>,
    occurrences: &mut Occurrences,
) -> Uuid {
    if natural.is_found {
        return uuid(natural.hash.finish(), natural.second);
    }
    let (mut hash, at) = match natural.at {
        Some(at) => (scope.hash.clone(), Some(at)),
        None => (scope.sent.clone(), scope.sent_at),
    };
    hash.part(Some(natural.kind)).part(Some("item"));
    item.add_to(&mut hash);
    let digest = hash.finish();
    uuid(
        numbered(digest, occurrences.next(digest)),
        at.and_then(second),
    )
}

/// Digest of one of several equal items. The first has the digest of its content, so that a body
/// with one more of them repeats the others.
fn numbered(digest: Sum, number: u64) -> Sum {
    if number == 0 {
        return digest;
    }
    let mut hash = Hash::default();
    hash.bytes(&digest).bytes(&number.to_be_bytes());
    hash.finish()
}

fn uuid(digest: Sum, second: Option<u32>) -> Uuid {
    let mut key = [0; 16];
    match second {
        Some(second) => {
            key[..4].copy_from_slice(&second.to_be_bytes());
            key[4..].copy_from_slice(&digest[..12]);
        }
        None => key.copy_from_slice(&digest[..16]),
    }
    Uuid::from_bytes(key)
}

fn second(at: Timestamp) -> Option<u32> {
    at.as_second().try_into().ok()
}

#[cfg(test)]
mod tests;
