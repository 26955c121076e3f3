//! A notification as `serde_json` reads it, level by level: which items it has, and what is odd.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::meta::event::Channel;

/// Whether `text` is JSON.
pub(crate) fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// What a notification holds.
#[derive(Debug, Default)]
pub(crate) struct Outline {
    /// Every item, in order.
    pub(crate) items: Vec<Item>,
    /// Whether something in it has no place in a notification.
    pub(crate) odd: bool,
}

/// An item of a notification.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) channel: Channel,
    pub(crate) text: String,
}

/// The outline of `text`, which is JSON.
pub(crate) fn outline(text: &str) -> Outline {
    let mut outline = Outline::default();
    match list(text) {
        Some(documents) if !documents.is_empty() => {
            documents.iter().for_each(|it| outline.document(it));
        }
        _ => outline.document(text),
    }
    outline
}

impl Outline {
    fn document(&mut self, text: &str) {
        let document = Pairs::of(text).unwrap_or_default();
        let values = document
            .get("values")
            .filter(|_| document.get("topic").is_some());
        match (document.get("entry").and_then(list), values) {
            (Some(entries), _) => entries.iter().for_each(|entry| match Pairs::of(entry) {
                Some(entry) => self.entry(&entry),
                None => self.odd = true,
            }),
            (None, Some(values)) => {
                let values = list(values).unwrap_or_else(|| vec![values]);
                values
                    .iter()
                    .for_each(|value| self.change(value, Channel::Entry));
            }
            (None, None) => self.odd = true,
        }
    }

    /// Adds an item, or an item for each member if the value of a change is a list.
    fn change(&mut self, text: &str, channel: Channel) {
        let change = Pairs::of(text).unwrap_or_default();
        if !self.members(&change, channel) {
            self.push(channel, text);
        }
    }

    fn members(&mut self, change: &Pairs<'_>, channel: Channel) -> bool {
        let members = change.get("value").and_then(list).unwrap_or_default();
        for member in &members {
            self.push(channel, member);
        }
        !members.is_empty()
    }

    fn push(&mut self, channel: Channel, text: &str) {
        self.items.push(Item {
            channel,
            text: text.to_owned(),
        });
    }

    fn entry(&mut self, entry: &Pairs<'_>) {
        let changes = self.container(entry, "changes");
        changes
            .iter()
            .for_each(|it| self.change(it, Channel::Changes));
        for (key, channel) in [
            ("messaging", Channel::Messaging),
            ("standby", Channel::Standby),
        ] {
            let items = self.container(entry, key);
            items.iter().for_each(|it| self.push(channel, it));
        }
        if entry.get("field").is_some() && !self.members(entry, Channel::Entry) {
            let part = ["value", "field"].iter().find_map(|key| entry.get(key));
            self.push(Channel::Entry, part.unwrap_or_default());
        }
        let names = self.container(entry, "changed_fields");
        names.iter().for_each(|it| self.push(Channel::Entry, it));
    }

    fn container<'a>(&mut self, entry: &Pairs<'a>, key: &str) -> Vec<&'a str> {
        let Some(text) = entry.get(key) else {
            return Vec::new();
        };
        list(text).unwrap_or_else(|| {
            self.odd = true;
            Vec::new()
        })
    }
}

fn list(text: &str) -> Option<Vec<&str>> {
    let values: Vec<&RawValue> = serde_json::from_str(text).ok()?;
    Some(values.into_iter().map(RawValue::get).collect())
}

/// How many levels of objects and lists `text`, which is JSON, has.
pub(crate) fn depth(text: &str) -> usize {
    let (mut level, mut deepest) = (0_usize, 0);
    for (byte, in_string) in bytes(text) {
        match byte {
            b'{' | b'[' if !in_string => level += 1,
            b'}' | b']' if !in_string => level -= 1,
            _ => {}
        }
        deepest = deepest.max(level);
    }
    deepest
}

/// The same JSON in other letters: with white space between tokens, and strings half in escapes.
pub(crate) fn respelled(text: &str) -> String {
    let mut other = String::new();
    let mut chars = text.chars();
    let mut in_string = false;
    let mut turn = 0_u8;
    while let Some(char) = chars.next() {
        match char {
            '\\' => {
                let escape = chars.next().unwrap_or_default();
                other.extend([char, escape]);
                let digits = if escape == 'u' { 4 } else { 0 };
                other.extend(chars.by_ref().take(digits));
            }
            '"' => {
                in_string = !in_string;
                other.push(char);
            }
            '{' | '[' | ',' | ':' if !in_string => other.extend([char, '\n', ' ']),
            '/' if in_string => other += "\\/",
            char if in_string && char.is_ascii_alphanumeric() => {
                turn = (turn + 1) % 3;
                if turn == 0 {
                    other += &format!("\\u{:04x}", u32::from(char));
                } else {
                    other.push(char);
                }
            }
            char => other.push(char),
        }
    }
    other
}

/// The bytes of a JSON text, each with whether it stands inside a string.
fn bytes(text: &str) -> impl Iterator<Item = (u8, bool)> {
    let (mut in_string, mut escaped) = (false, false);
    text.bytes().map(move |byte| {
        let within = in_string;
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => in_string = !in_string,
            _ => {}
        }
        (byte, within)
    })
}

/// The keys of an object, as bytes because they may hold half of a surrogate pair, and the text of
/// their values.
#[derive(Default)]
pub(crate) struct Pairs<'a>(Vec<(Vec<u8>, &'a str)>);

impl<'a> Pairs<'a> {
    /// Those of `text`, where it is one object.
    pub(crate) fn of(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The last value of a key, where it is not `null`.
    pub(crate) fn get(&self, key: &str) -> Option<&'a str> {
        let found = self.0.iter().rev().find(|(own, _)| own == key.as_bytes());
        found.map(|(_, text)| *text).filter(|text| *text != "null")
    }
}

impl<'a> Deserialize<'a> for Pairs<'a> {
    fn deserialize<D: Deserializer<'a>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(OfMap)
    }
}

struct OfMap;

impl<'a> Visitor<'a> for OfMap {
    type Value = Pairs<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Pairs<'a>, A::Error> {
        let mut pairs = Vec::new();
        while let Some((key, value)) = map.next_entry::<Key, &'a RawValue>()? {
            pairs.push((key.0, value.get()));
        }
        Ok(Pairs(pairs))
    }
}

struct Key(Vec<u8>);

impl<'a> Deserialize<'a> for Key {
    fn deserialize<D: Deserializer<'a>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_bytes(OfBytes)
    }
}

struct OfBytes;

impl Visitor<'_> for OfBytes {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_bytes<E>(self, key: &[u8]) -> Result<Key, E> {
        Ok(Key(key.to_vec()))
    }
}
