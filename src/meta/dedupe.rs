//! Dedupe keys: the same for every delivery of one occurrence, another for every other occurrence.
//!
//! Meta sends again what was not acked, the same message through two products and the same
//! comment for an ad and its post, each time in a body of its own. So a key is made from the
//! natural key within its app, account and kind, and from nothing else: not from the channel, the
//! secret, the time of arrival or the place in a list. An item without a natural key is named by
//! its content, with `entry.time` if it has no time of its own.

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

/// Scope of the natural keys of an entry: one account of one app. The id of an account and
/// `entry.time` may be as long as a body, so both are hashed once for all items of the entry.
#[derive(Clone, Debug)]
pub struct Scope {
    hash: Hash,
    /// The same with `entry.time`, for items that have neither an id nor a time of their own.
    sent: Hash,
    sent_at: Option<Timestamp>,
}

impl Scope {
    /// The scope of `account`, which is `entry.id`, in `app`, with `entry.time` as it is spelled.
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

/// Number of items of one body that are named by the same content so far.
#[derive(Debug, Default)]
pub struct Occurrences(HashMap<Sum, u64>);

impl Occurrences {
    /// The number of this occurrence, from 0.
    fn next(&mut self, digest: Sum) -> u64 {
        let count = self.0.entry(digest).or_default();
        *count += 1;
        *count - 1
    }
}

/// Content of an item, which names it if it has no natural key.
#[derive(Clone, Copy, Debug)]
pub enum Named<'t, 'a> {
    /// A value.
    Value(Value<'t, 'a>),
    /// An object with these keys, without those that have no value.
    Object([(&'static str, Option<Value<'t, 'a>>); 3]),
}

impl Named<'_, '_> {
    /// If nested too deep, the text of a value.
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

/// The dedupe key of an item: 16 bytes of SHA-256.
///
/// If the natural key contains a time, or a `mid` with its creation time, the first 4 bytes are
/// its second instead: keys of one time stand together in the index, and a commit touches few of
/// its pages. The kind is part of the hash: one `mid` names a message, its edits, its reactions
/// and its unsend.
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

/// The digest of one of several equal items: that of the first is the digest of its content, so
/// that a body with one more of them repeats those before.
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
