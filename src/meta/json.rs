//! Reads JSON objects one level at a time and never fails on what it does not know.
//!
//! Meta adds keys, changes types and sends ids as strings or numbers. So an [`Object`] keeps each
//! value as its own text, and each question about it has an answer: the value where it has the
//! type asked for, else `None`. The last of a repeated key counts, as in Postgres.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// How deep an item may be nested.
pub const MAX_DEPTH: usize = 64;

/// The keys of an object that its type does not model, with their values' text.
pub type Extra<'a> = Vec<(Cow<'a, str>, &'a str)>;

/// One object; what is inside its values is still text.
#[derive(Clone, Debug, Default)]
pub struct Object<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl<'a> Object<'a> {
    /// Reads `text`; `None` where it is not an object.
    pub fn read(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The text of a value; a `null` counts as absent.
    pub fn get(&self, key: &str) -> Option<&'a str> {
        let (_, value) = self.0.iter().rev().find(|(name, _)| name == key)?;
        (*value != "null").then_some(*value)
    }

    /// A string.
    pub fn text(&self, key: &str) -> Option<Cow<'a, str>> {
        self.get(key).and_then(string)
    }

    /// An id: a string, or a number digit by digit. An empty one is none.
    pub fn id(&self, key: &str) -> Option<Cow<'a, str>> {
        self.get(key).and_then(id)
    }

    /// A boolean; absent or anything else is `false`.
    pub fn flag(&self, key: &str) -> bool {
        self.get(key) == Some("true")
    }

    /// A whole number, or a string of one.
    pub fn integer(&self, key: &str) -> Option<i64> {
        self.id(key)?.trim().parse().ok()
    }

    /// A number with a fraction.
    pub fn decimal(&self, key: &str) -> Option<f64> {
        self.id(key)?
            .trim()
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
    }

    /// An object.
    pub fn object(&self, key: &str) -> Option<Self> {
        self.get(key).and_then(Self::read)
    }

    /// A list, each element as its text.
    pub fn list(&self, key: &str) -> Option<Vec<&'a str>> {
        self.get(key).and_then(list)
    }

    /// The id inside an object: `"sender": {"id": …}`.
    pub fn id_of(&self, key: &str) -> Option<Cow<'a, str>> {
        self.object(key)?.id("id")
    }

    /// All keys but `known`, with their values.
    pub fn extra(&self, known: &[&str]) -> Extra<'a> {
        let unknown = self.0.iter().filter(|(name, _)| !known.contains(&&**name));
        unknown.cloned().collect()
    }
}

/// The elements of a list; `None` where `text` is not one.
pub fn list(text: &str) -> Option<Vec<&str>> {
    let values: Vec<&RawValue> = serde_json::from_str(text).ok()?;
    Some(values.into_iter().map(RawValue::get).collect())
}

/// The string that `text` spells; `None` where it is not one.
pub fn string(text: &str) -> Option<Cow<'_, str>> {
    text.starts_with('"')
        .then(|| serde_json::from_str::<Key<'_>>(text).ok())?
        .map(|key| key.0)
}

/// The id that `text` spells, be it a string or a number.
pub fn id(text: &str) -> Option<Cow<'_, str>> {
    let id = if is_number(text) {
        Some(Cow::Borrowed(text))
    } else {
        string(text)
    };
    id.filter(|id| !id.is_empty())
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

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Pairs)
    }
}

struct Pairs;

impl<'de> Visitor<'de> for Pairs {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::with_capacity(8);
        while let Some((Key(key), value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
            pairs.push((key, value.get()));
        }
        Ok(Object(pairs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Object<'_> {
        Object::read(text).unwrap()
    }

    #[test]
    fn every_question_has_an_answer() {
        let object = read(
            r#"{"s":"a\u00e4","n":12345678901234567890123,"b":true,"o":{"id":7},"z":null,"e":""}"#,
        );
        assert_eq!(object.text("s").unwrap(), "aä");
        assert_eq!(object.text("n"), None);
        assert_eq!(object.id("n").unwrap(), "12345678901234567890123");
        assert_eq!(
            (object.id("e"), object.id("b"), object.id("o")),
            (None, None, None)
        );
        assert_eq!(object.id_of("o").unwrap(), "7");
        assert!(object.flag("b") && !object.flag("s") && !object.flag("missing"));
        assert_eq!((object.get("z"), object.integer("n")), (None, None));
    }

    #[test]
    fn numbers_come_as_numbers_or_strings() {
        let object = read(r#"{"a":7,"b":"-1","c":1.5,"d":"x"}"#);
        assert_eq!(
            (object.integer("a"), object.integer("b")),
            (Some(7), Some(-1))
        );
        assert_eq!(
            (object.decimal("c"), object.decimal("d")),
            (Some(1.5), None)
        );
    }

    #[test]
    fn the_last_of_a_repeated_key_counts() {
        let object = read(r#"{"id":"1","x":0,"id":"2"}"#);
        assert_eq!(object.id("id").unwrap(), "2");
    }

    #[test]
    fn what_is_not_modelled_is_kept() {
        let extra = read(r#"{"id":"1","new_key":{"a":[1]}}"#).extra(&["id"]);
        assert_eq!(extra, [("new_key".into(), r#"{"a":[1]}"#)]);
    }

    #[test]
    fn other_types_are_not_objects_or_lists() {
        for text in ["", "[]", "null", "\"{}\"", "{", "{} {}", "7"] {
            assert!(Object::read(text).is_none(), "{text}");
        }
        assert_eq!(list("[1, {\"a\":[]} ]").unwrap(), ["1", "{\"a\":[]}"]);
        assert!(list("{}").is_none());
    }

    #[test]
    fn brackets_inside_strings_are_not_depth() {
        assert!(!too_deep(&format!("\"{}\"", "[".repeat(100))));
        assert!(!too_deep(&format!("[{}]", vec!["[]"; 100].join(","))));
        assert!(!too_deep(&format!("{}{}", "[".repeat(64), "]".repeat(64))));
        assert!(too_deep(&format!("{}{}", "[".repeat(65), "]".repeat(65))));
        assert!(too_deep(&format!(
            "{}{}",
            "[\"\\\"\",".repeat(60_000),
            "]".repeat(60_000)
        )));
    }
}
