//! The samples of `samples/KIND/NAME.json`: bodies with placeholders, read once.
//!
//! A sample is JSON once its placeholders are replaced; its keys stand in the order of the sender
//! that it comes from. Reading it writes everything between the placeholders as that sender does,
//! so that a body is made by copying.

use std::{mem, ops::Range, sync::LazyLock};

use super::{
    sender::Sender,
    slot::{Name, Slot},
};
use crate::meta::event::{Channel, Kind};

// Name and text of each sample, in the order of the names; written by `build.rs`.
include!(concat!(env!("OUT_DIR"), "/samples.rs"));

/// A body, or an item, with placeholders.
#[derive(Debug)]
pub(super) struct Sample {
    /// Its path without `samples/` and `.json`, such as `comment/reply`.
    pub(super) name: &'static str,
    pub(super) sender: Sender,
    pieces: Vec<Piece>,
    items: Vec<(Channel, Range<usize>)>,
}

/// A part of a body.
#[derive(Debug)]
pub(super) enum Piece {
    /// As its sender writes it.
    Written(Vec<u8>),
    /// A placeholder and the sample's own text for it.
    Slot(Slot, Vec<u8>),
}

impl Sample {
    /// Every sample, in the order of the names.
    pub(super) fn all() -> &'static [Self] {
        static ALL: LazyLock<Vec<Sample>> = LazyLock::new(|| {
            let files = FILES.iter();
            files.map(|(name, text)| Sample::read(name, text)).collect()
        });
        &ALL
    }

    /// The sample with this name.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        let place = Self::all().binary_search_by_key(&name, |sample| sample.name);
        Self::all().get(place.ok()?)
    }

    /// The kind whose directory it lies in; none for samples of several items, and of none.
    pub(super) fn kind(&self) -> Option<Kind> {
        let (directory, _) = self.name.split_once('/')?;
        let mut kinds = Kind::ALL.iter().copied();
        kinds.find(|kind| kind.as_str() == directory)
    }

    /// The whole body.
    pub(super) fn body(&self) -> &[Piece] {
        &self.pieces
    }

    /// Its first item, and how that came.
    pub(super) fn item(&self) -> Option<(Channel, &[Piece])> {
        let (channel, range) = self.items.first()?;
        Some((*channel, &self.pieces[range.clone()]))
    }

    /// True if a placeholder of this name stands in it.
    pub(super) fn has(&self, name: Name) -> bool {
        let mut pieces = self.pieces.iter();
        pieces.any(|piece| matches!(piece, Piece::Slot(slot, _) if slot.name == name))
    }

    fn read(name: &'static str, text: &str) -> Self {
        let begins = text.trim_start_matches(|c: char| "[{".contains(c) || c.is_whitespace());
        let sender = if begins.starts_with("\"object\"") {
            Sender::Messaging
        } else {
            Sender::Changes
        };
        let mut reader = Reader {
            rest: text,
            sender,
            written: Vec::new(),
            pieces: Vec::new(),
            items: Vec::new(),
        };
        reader.value(Place::Body);
        reader.cut();
        Self {
            name,
            sender,
            pieces: reader.pieces,
            items: reader.items,
        }
    }
}

/// Where in a body a value stands.
#[derive(Clone, Copy)]
enum Place {
    Body,
    Entries,
    Entry,
    Items(Channel),
    Elsewhere,
}

impl Place {
    fn under(self, key: &str) -> Self {
        match (self, key) {
            (Self::Body, "entry") => Self::Entries,
            (Self::Entry, "changes") => Self::Items(Channel::Changes),
            (Self::Entry, "messaging") => Self::Items(Channel::Messaging),
            (Self::Entry, "standby") => Self::Items(Channel::Standby),
            _ => Self::Elsewhere,
        }
    }

    fn element(self) -> Self {
        match self {
            Self::Body => Self::Body,
            Self::Entries => Self::Entry,
            Self::Entry | Self::Items(_) | Self::Elsewhere => Self::Elsewhere,
        }
    }
}

/// Reads a sample from its beginning to its end. Text that is no sample ends it early.
struct Reader<'a> {
    rest: &'a str,
    sender: Sender,
    /// Bytes written since the last placeholder.
    written: Vec<u8>,
    pieces: Vec<Piece>,
    items: Vec<(Channel, Range<usize>)>,
}

impl Reader<'_> {
    fn value(&mut self, place: Place) {
        self.rest = self.rest.trim_start();
        match self.rest.as_bytes() {
            [b'{', b'{', ..] => self.scalar(),
            [b'{', ..] => self.list('}', |reader| {
                let key = reader.string();
                reader.skip(':');
                reader.put(reader.sender.colon());
                reader.value(place.under(&key));
            }),
            [b'[', ..] => self.list(']', |reader| reader.element(place)),
            [b'"', ..] => drop(self.string()),
            _ => self.scalar(),
        }
    }

    /// An array or the keys of an object.
    fn list(&mut self, end: char, mut each: impl FnMut(&mut Self)) {
        self.copy(1);
        self.rest = self.rest.trim_start();
        while !self.rest.starts_with(end) && !self.rest.is_empty() {
            each(self);
            if !self.skip(',') {
                break;
            }
            self.put(self.sender.comma());
            self.rest = self.rest.trim_start();
        }
        self.copy(1);
    }

    /// An element of an array, noted if it is an item.
    fn element(&mut self, place: Place) {
        let Place::Items(channel) = place else {
            return self.value(place.element());
        };
        let begin = self.cut();
        self.value(place.element());
        let end = self.cut();
        self.items.push((channel, begin..end));
    }

    /// A string, and its text.
    fn string(&mut self) -> String {
        let mut escaped = false;
        let end = self.rest.char_indices().skip(1).find(|(_, character)| {
            let ends = *character == '"' && !escaped;
            escaped = *character == '\\' && !escaped;
            ends
        });
        let (quoted, rest) = self
            .rest
            .split_at(end.map_or(self.rest.len(), |(at, _)| at + 1));
        self.rest = rest;
        let text: String = serde_json::from_str(quoted).unwrap_or_default();
        self.put("\"");
        self.text(&text);
        self.put("\"");
        text
    }

    fn text(&mut self, text: &str) {
        let mut rest = text;
        while let Some((before, inside, after)) = placeholder(rest) {
            self.sender.write(before, &mut self.written);
            self.slot(inside);
            rest = after;
        }
        self.sender.write(rest, &mut self.written);
    }

    /// A number, a word, or a placeholder for one.
    fn scalar(&mut self) {
        loop {
            let ends = |next: char| ",]}{".contains(next) || next.is_whitespace();
            self.copy(self.rest.find(ends).unwrap_or(self.rest.len()));
            match placeholder(self.rest) {
                Some(("", inside, after)) => {
                    self.slot(inside);
                    self.rest = after;
                }
                _ => return,
            }
        }
    }

    fn slot(&mut self, inside: &str) {
        let (name, own) = inside.split_once('|').unwrap_or((inside, ""));
        let Some(slot) = Slot::parse(name) else {
            return self.put(inside);
        };
        self.cut();
        let mut written = Vec::new();
        self.sender.write(own, &mut written);
        self.pieces.push(Piece::Slot(slot, written));
    }

    /// Ends the piece; says how many there are.
    fn cut(&mut self) -> usize {
        if !self.written.is_empty() {
            self.pieces
                .push(Piece::Written(mem::take(&mut self.written)));
        }
        self.pieces.len()
    }

    /// Writes the next bytes as they stand.
    fn copy(&mut self, length: usize) {
        if let Some((bytes, rest)) = self.rest.split_at_checked(length) {
            self.put(bytes);
            self.rest = rest;
        }
    }

    fn put(&mut self, text: &str) {
        self.written.extend_from_slice(text.as_bytes());
    }

    /// Goes past a mark, if that is next.
    fn skip(&mut self, mark: char) -> bool {
        self.rest = self.rest.trim_start();
        let rest = self.rest.strip_prefix(mark);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }
}

/// The first placeholder: what stands before, in and after it.
fn placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("{{")?;
    let (inside, after) = rest.split_once("}}")?;
    Some((before, inside, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The body with the placeholders as they stand.
    fn written(sample: &Sample) -> String {
        let pieces = sample.body().iter().map(|piece| match piece {
            Piece::Written(bytes) => String::from_utf8(bytes.clone()).unwrap(),
            Piece::Slot(slot, own) => {
                format!("<{slot:?} {}>", String::from_utf8(own.clone()).unwrap())
            }
        });
        pieces
            .collect::<String>()
            .replace("Slot { name: ", "")
            .replace(", index: ", " ")
            .replace(" }", "")
    }

    #[test]
    fn a_messaging_body_is_compact_and_knows_its_items() {
        let text = r#"{ "object": "instagram",
            "entry": [ {"time": {{sent}}, "messaging": [ {"n": 1{{id2}}, "a/b": "{{text|3% ü}}!"}, null ] } ] }"#;
        let sample = Sample::read("message/x", text);
        let expected = r#"{"object":"instagram","entry":[{"time":<Sent 0 >,"messaging":[{"n":1<Id 1 >,"a\/b":"<Text 0 3\u0025 \u00fc>!"},null]}]}"#;
        assert_eq!(written(&sample), expected);
        assert_eq!((sample.sender, sample.items.len()), (Sender::Messaging, 2));
        let (channel, pieces) = sample.item().unwrap();
        assert_eq!((channel, pieces.len()), (Channel::Messaging, 5));
        assert!(sample.has(Name::Text) && !sample.has(Name::Mid));
    }

    #[test]
    fn a_changes_body_is_spaced_and_keeps_its_keys_in_their_order() {
        let text = r#"[{"entry":[{"id":"{{account}}","changes":[{"value":{},"field":"a\"b"}]}],"object":"x"}]"#;
        let sample = Sample::read("comment/x", text);
        let expected = r#"[{"entry": [{"id": "<Account 0 >", "changes": [{"value": {}, "field": "a\"b"}]}], "object": "x"}]"#;
        assert_eq!(written(&sample), expected);
        assert_eq!(sample.item().unwrap().0, Channel::Changes);
    }

    #[test]
    fn every_placeholder_of_a_sample_is_known() {
        for sample in Sample::all() {
            let text = FILES
                .iter()
                .find(|(name, _)| *name == sample.name)
                .unwrap()
                .1;
            let slots = sample
                .body()
                .iter()
                .filter(|it| matches!(it, Piece::Slot(..)));
            assert_eq!(slots.count(), text.matches("{{").count(), "{}", sample.name);
        }
    }

    #[test]
    fn text_that_is_no_sample_ends_early() {
        for text in [
            "",
            "{",
            "[1, {{",
            "{\"a",
            "{\"a\" 1, 2}",
            "[[[",
            "{{mid",
            "]",
        ] {
            Sample::read("x", text);
        }
    }
}
