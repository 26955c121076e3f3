//! JSON reader: indexes a text in one pass, and tolerates unknown content.
//!
//! Meta adds keys, changes types and sends ids as strings or numbers. So a text is indexed once
//! ([`Index`]), and each query on an [`Object`] returns the value if it has the requested type,
//! else `None`. The last of a repeated key counts, as in Postgres.

mod index;
mod node;
mod spelled;
mod value;

use std::borrow::Cow;

use serde::Deserialize;

pub use index::Index;
pub use value::{Object, Value, Values};

/// Maximum nesting depth of an item.
pub const MAX_DEPTH: usize = 64;

/// Keys of the object `text`, with the text of their values; `None` if `text` is not an object.
pub fn pairs(text: &str) -> Option<Vec<(Cow<'_, str>, &str)>> {
    let index = Index::of(text)?;
    let object = index.root(text).object()?;
    let pairs = object.pairs();
    let pairs = pairs.map(|(name, value)| (name.string().unwrap_or_default(), value.raw()));
    Some(pairs.collect())
}

/// Decodes the JSON string `text`; `None` if it is not a string.
pub fn string(text: &str) -> Option<Cow<'_, str>> {
    text.starts_with('"')
        .then(|| serde_json::from_str::<Key<'_>>(text).ok())?
        .map(|key| key.0)
}

/// A key or string, borrowed unless it contains an escape.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests;
