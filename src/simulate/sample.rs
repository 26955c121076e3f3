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
    /// The kind whose directory it lies in; none for samples of several items, and of none.
    pub(super) kind: Option<Kind>,
    pub(super) sender: Sender,
    /// The whole body.
    pub(super) body: Vec<Piece>,
    item: Option<(Channel, Range<usize>)>,
}

/// A part of a body.
#[derive(Debug)]
pub(super) enum Piece {
    /// Body as written by its sender.
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

    /// Its first item, and how that came.
    pub(super) fn item(&self) -> Option<(Channel, &[Piece])> {
        let (channel, range) = self.item.as_ref()?;
        Some((*channel, &self.body[range.clone()]))
    }

    /// True if a placeholder of this name stands in it.
    pub(super) fn has(&self, name: Name) -> bool {
        let mut pieces = self.body.iter();
        pieces.any(|piece| matches!(piece, Piece::Slot(slot, _) if slot.name == name))
    }

    fn read(name: &'static str, text: &str) -> Self {
        let begins = text.trim_start_matches(|c: char| "[{".contains(c) || c.is_whitespace());
        let sender = if begins.starts_with("\"object\"") {
            Sender::Messaging
        } else {
            Sender::Changes
        };
        let mut reader = Reader::new(sender);
        reader.read(text);
        let directory = name.split_once('/').map_or("", |(directory, _)| directory);
        let mut kinds = Kind::ALL.iter().copied();
        Self {
            name,
            kind: kinds.find(|kind| kind.as_str() == directory),
            sender,
            body: reader.pieces,
            item: reader.item,
        }
    }
}

/// Reads a sample token by token.
struct Reader {
    sender: Sender,
    /// Bytes written since the last placeholder.
    written: Vec<u8>,
    pieces: Vec<Piece>,
    /// Number of open arrays and objects.
    depth: usize,
    /// The channel that the last string names.
    named: Option<Channel>,
    /// The first item while it is read: its channel, depth and first piece.
    open: Option<(Channel, usize, usize)>,
    item: Option<(Channel, Range<usize>)>,
}

impl Reader {
    fn new(sender: Sender) -> Self {
        Self {
            sender,
            written: Vec::new(),
            pieces: Vec::new(),
            depth: 0,
            named: None,
            open: None,
            item: None,
        }
    }

    /// Reads to the end, or to a string that has none.
    fn read(&mut self, text: &str) {
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            let slot = rest.strip_prefix("{{");
            rest = match (next, slot.and_then(|slot| slot.split_once("}}"))) {
                (_, Some((inside, after))) => {
                    self.slot(inside);
                    after
                }
                ('"', _) => self.string(rest),
                _ => {
                    self.mark(next);
                    &rest[next.len_utf8()..]
                }
            };
        }
        self.cut();
    }

    /// A string; returns what stands behind it.
    fn string<'a>(&mut self, rest: &'a str) -> &'a str {
        let mut strings = serde_json::Deserializer::from_str(rest).into_iter::<String>();
        let Some(Ok(text)) = strings.next() else {
            return "";
        };
        let mut channels = Channel::ALL.iter().copied();
        self.named = channels.find(|it| *it != Channel::Entry && it.as_str() == text);
        self.put("\"");
        let mut inside = &*text;
        while let Some((before, slot, after)) = placeholder(inside) {
            self.sender.write(before, &mut self.written);
            self.slot(slot);
            inside = after;
        }
        self.sender.write(inside, &mut self.written);
        self.put("\"");
        &rest[strings.byte_offset()..]
    }

    /// A character outside of strings.
    fn mark(&mut self, mark: char) {
        match mark {
            ':' => return self.put(self.sender.colon()),
            ',' => {
                self.end_item();
                return self.put(self.sender.comma());
            }
            '[' | '{' => self.depth += 1,
            ']' | '}' => {
                self.end_item();
                self.depth = self.depth.saturating_sub(1);
            }
            mark if mark.is_whitespace() => return,
            _ => {}
        }
        self.put(mark.encode_utf8(&mut [0; 4]));
        if mark == '[' {
            self.begin_item();
        }
    }

    /// Notes where the first item begins, if this array is a list of items.
    fn begin_item(&mut self) {
        if let (Some(channel), None, None) = (self.named, &self.open, &self.item) {
            self.open = Some((channel, self.depth, self.cut()));
        }
    }

    fn end_item(&mut self) {
        if let Some((channel, depth, begin)) = self.open
            && depth == self.depth
        {
            self.open = None;
            self.item = Some((channel, begin..self.cut()));
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

    fn put(&mut self, text: &str) {
        self.written.extend_from_slice(text.as_bytes());
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
        let pieces = sample.body.iter().map(|piece| match piece {
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
        assert_eq!(sample.sender, Sender::Messaging);
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
            let pieces = sample.body.iter();
            let slots = pieces.filter(|it| matches!(it, Piece::Slot(..)));
            assert_eq!(slots.count(), text.matches("{{").count(), "{}", sample.name);
        }
    }

    #[test]
    fn text_that_is_no_sample_ends_early() {
        for text in ["", "{", "[1, {{", "{\"a", "{{mid", "]"] {
            Sample::read("x", text);
        }
    }
}
