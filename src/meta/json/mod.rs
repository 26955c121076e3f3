//! Reads JSON in one pass and never fails on what it does not know.
//!
//! Meta adds keys, changes types and sends ids as strings or numbers. So a text is indexed once
//! ([`Index`]), and each question about an [`Object`] has an answer: the value where it has the type
//! asked for, else `None`. The last of a repeated key counts, as in Postgres.

mod index;
mod spelled;
mod value;

use std::borrow::Cow;

use serde::Deserialize;

pub use index::Index;
pub use value::{Object, Value, Values};

/// How deep an item may be nested.
pub const MAX_DEPTH: usize = 64;

/// Keys of an object with their values' text: mostly those that its type does not model.
pub type Extra<'a> = Vec<(Cow<'a, str>, &'a str)>;

/// The keys of the object that `text` is, with their values' text; `None` where it is none.
pub fn pairs(text: &str) -> Option<Extra<'_>> {
    let index = Index::of(text)?;
    let object = index.root(text).object()?;
    Some(object.others(&[]).collect())
}

/// The string that `text` spells; `None` where it is not one.
pub fn string(text: &str) -> Option<Cow<'_, str>> {
    text.starts_with('"')
        .then(|| serde_json::from_str::<Key<'_>>(text).ok())?
        .map(|key| key.0)
}

/// Whether `text`, which is JSON, is a number.
pub fn is_number(text: &str) -> bool {
    text.starts_with(|first: char| first == '-' || first.is_ascii_digit())
}

/// Whether `text`, which is JSON, is nested deeper than [`MAX_DEPTH`].
pub fn too_deep(text: &str) -> bool {
    let opening = |byte: &u8| matches!(byte, b'{' | b'[');
    // Counting brackets is quicker than following them, and nearly always enough.
    text.as_bytes().iter().filter(|byte| opening(byte)).count() > MAX_DEPTH
        && depth(text) > MAX_DEPTH
}

fn depth(text: &str) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// A key or string, borrowed unless it holds an escape.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests;
