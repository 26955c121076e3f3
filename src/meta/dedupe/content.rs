//! Digest of a JSON value, independent of key order, white space and escapes.

use std::{borrow::Cow, collections::BTreeMap};

use sha2::{Digest, Sha256};

use super::hash::Sum;
use crate::meta::json::Value;

/// Digest of `value`, which has at most [`MAX_DEPTH`](crate::meta::json::MAX_DEPTH) levels.
pub(super) fn digest(value: Value<'_, '_>) -> Sum {
    if let Some(object) = value.object() {
        let pairs = object.pairs();
        return of_pairs(pairs.map(|(key, value)| (key.string().unwrap_or_default(), value)));
    }
    if let Some(list) = value.list() {
        let hash = Sha256::new_with_prefix(b"l");
        let hash = list.fold(hash, |hash, value| hash.chain_update(digest(value)));
        return hash.finalize().into();
    }
    match value.string() {
        Some(string) => sum(b's', string.as_bytes()),
        None => sum(b'p', value.raw().as_bytes()),
    }
}

/// Digest of an object with these pairs, sorted by key; the last of a repeated key counts.
pub(super) fn of_pairs<'v, 't: 'v, 'a: 't>(
    pairs: impl Iterator<Item = (Cow<'v, str>, Value<'t, 'a>)>,
) -> Sum {
    let pairs: BTreeMap<_, _> = pairs.collect();
    let mut hash = Sha256::new_with_prefix(b"o");
    for (key, value) in pairs {
        hash.update(sum(b's', key.as_bytes()));
        hash.update(digest(value));
    }
    hash.finalize().into()
}

fn sum(tag: u8, content: &[u8]) -> Sum {
    let hash = Sha256::new_with_prefix([tag]);
    hash.chain_update(content).finalize().into()
}
