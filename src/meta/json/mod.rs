//! Reads JSON in one pass and never fails on what it does not know.
//!
//! Meta adds keys, changes types and sends ids as strings or numbers. So a text is indexed once
//! ([`Index`]), and each question about an [`Object`] has an answer: the value where it has the type
//! asked for, else `None`. The last of a repeated key counts, as in Postgres.

mod index;
mod node;
mod spelled;
mod value;

use std::borrow::Cow;

use serde::Deserialize;

pub use index::Index;
pub use value::{Object, Value, Values};

/// How deep an item may be nested.
pub const MAX_DEPTH: usize = 64;

/// The keys of the object that `text` is, with their values' text; `None` if it is none.
pub fn pairs(text: &str) -> Option<Vec<(Cow<'_, str>, &str)>> {
    let index = Index::of(text)?;
    let object = index.root(text).object()?;
    let pairs = object.pairs();
    let pairs = pairs.map(|(name, value)| (name.string().unwrap_or_default(), value.raw()));
    Some(pairs.collect())
}

/// The string that `text` spells; `None` where it is not one.
pub fn string(text: &str) -> Option<Cow<'_, str>> {
    text.starts_with('"')
        .then(|| serde_json::from_str::<Key<'_>>(text).ok())?
        .map(|key| key.0)
}

/// A key or string, borrowed unless it holds an escape.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests;
