//! Writes a body byte for byte as one of Meta's two senders does.
//!
//! What they have in common: everything outside ASCII is a `\u` escape with hex digits in lower
//! case (Graph API Webhooks, Getting Started, "Validating Payloads"). What they do not: white
//! space, and which ASCII characters are escaped.

use std::{
    borrow::Cow,
    fmt::{Display, Write as _},
    ops::Range,
};

use super::json::Json;

/// Which of Meta's two senders a delivery comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// Sends messaging items: compact, `/` as `\/` and `%` as `\u0025`, as PHP would.
    Messaging,
    /// Sends changes: `", "` and `": "`, as Python would.
    Changes,
}

impl Sender {
    /// The headers that tell the senders apart, beside those that both send.
    pub(super) fn headers(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Messaging => &[
                ("User-Agent", "facebookexternalua"),
                ("Accept-Encoding", "deflate, gzip"),
                ("Facebook-Api-Version", "unversioned"),
            ],
            Self::Changes => &[
                ("User-Agent", "Webhooks/1.0 (https://fb.me/webhooks)"),
                ("Accept-Encoding", "gzip"),
            ],
        }
    }

    /// The bytes of `body`.
    pub(super) fn write(self, body: &Json) -> Vec<u8> {
        self.write_and_note(body).0
    }

    /// The same, and where in them the times of sending stand.
    pub(super) fn write_and_note(self, body: &Json) -> (Vec<u8>, Vec<Range<usize>>) {
        let mut writer = Writer {
            sender: self,
            out: String::with_capacity(1024),
            sent_at: Vec::new(),
        };
        writer.value(body);
        (writer.out.into_bytes(), writer.sent_at)
    }

    fn comma(self) -> &'static str {
        match self {
            Self::Messaging => ",",
            Self::Changes => ", ",
        }
    }

    fn colon(self) -> &'static str {
        match self {
            Self::Messaging => ":",
            Self::Changes => ": ",
        }
    }

    /// What stands for an ASCII character that this sender does not write as it is.
    const fn escape(self, character: char) -> Option<&'static str> {
        match (self, character) {
            (_, '"') => Some("\\\""),
            (_, '\\') => Some("\\\\"),
            (_, '\n') => Some("\\n"),
            (_, '\r') => Some("\\r"),
            (_, '\t') => Some("\\t"),
            (_, '\u{8}') => Some("\\b"),
            (_, '\u{c}') => Some("\\f"),
            (Self::Messaging, '/') => Some("\\/"),
            (Self::Messaging, '%') => Some("\\u0025"),
            (Self::Changes, '\u{7f}') => Some("\\u007f"),
            _ => None,
        }
    }

    /// For each byte, whether it stands for itself. A table: a load run asks for every byte that
    /// it sends.
    const fn plain(self) -> [bool; 256] {
        let mut plain = [false; 256];
        let mut byte = b' ';
        while byte.is_ascii() {
            plain[byte as usize] = self.escape(byte as char).is_none();
            byte += 1;
        }
        plain
    }

    fn plain_bytes(self) -> &'static [bool; 256] {
        const MESSAGING: [bool; 256] = Sender::Messaging.plain();
        const CHANGES: [bool; 256] = Sender::Changes.plain();
        match self {
            Self::Messaging => &MESSAGING,
            Self::Changes => &CHANGES,
        }
    }
}

struct Writer {
    sender: Sender,
    out: String,
    sent_at: Vec<Range<usize>>,
}

impl Writer {
    fn value(&mut self, value: &Json) {
        match value {
            Json::Null => self.out.push_str("null"),
            Json::Bool(flag) => self.out.push_str(if *flag { "true" } else { "false" }),
            Json::Integer(number) => self.number(number),
            Json::Decimal(number) => self.number(number),
            Json::Text(text) => self.text(text),
            Json::Array(items) => self.array(items),
            Json::Object(keys) => self.object(keys),
            Json::SentAt(time) => {
                let start = self.out.len();
                self.number(time);
                self.sent_at.push(start..self.out.len());
            }
        }
    }

    fn number(&mut self, number: impl Display) {
        // Writing to a String cannot fail.
        let _ = write!(self.out, "{number}");
    }

    fn array(&mut self, items: &[Json]) {
        self.out.push('[');
        for (index, item) in items.iter().enumerate() {
            self.separate(index);
            self.value(item);
        }
        self.out.push(']');
    }

    fn object(&mut self, keys: &[(Cow<'static, str>, Json)]) {
        self.out.push('{');
        for (index, (key, value)) in keys.iter().enumerate() {
            self.separate(index);
            self.text(key);
            self.out.push_str(self.sender.colon());
            self.value(value);
        }
        self.out.push('}');
    }

    fn separate(&mut self, index: usize) {
        if index > 0 {
            self.out.push_str(self.sender.comma());
        }
    }

    /// Writes a string: runs of characters that stand for themselves as they are.
    fn text(&mut self, text: &str) {
        self.out.push('"');
        let plain = self.sender.plain_bytes();
        let mut rest = text;
        while let Some(at) = rest.bytes().position(|byte| !plain[usize::from(byte)]) {
            let (run, other) = rest.split_at(at);
            self.out.push_str(run);
            rest = self.escaped(other);
        }
        self.out.push_str(rest);
        self.out.push('"');
    }

    /// Writes the first character as its escape, and leaves the others.
    fn escaped<'a>(&mut self, text: &'a str) -> &'a str {
        let mut characters = text.chars();
        if let Some(character) = characters.next() {
            match self.sender.escape(character) {
                Some(escaped) => self.out.push_str(escaped),
                None => self.units(character),
            }
        }
        characters.as_str()
    }

    /// Writes a character as the escapes of its UTF-16 units.
    fn units(&mut self, character: char) {
        for unit in character.encode_utf16(&mut [0; 2]) {
            self.out.push_str("\\u");
            for shift in [12, 8, 4, 0] {
                let digit = u32::from((*unit >> shift) & 0xf);
                self.out.extend(char::from_digit(digit, 16));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::json::object, *};

    fn body() -> Json {
        object! {
            "text": "äöå \u{1f968} \"a/b\\c\" 3% <@> & '\n\t\u{1}\u{7f}",
            "list": [Json::Null, true.into(), (-1).into(), 53.5.into()],
            "empty": object! {},
        }
    }

    fn written(sender: Sender) -> String {
        String::from_utf8(sender.write(&body())).unwrap()
    }

    #[test]
    fn messaging_is_compact_and_escapes_slash_and_percent() {
        let expected = concat!(
            r#"{"text":"\u00e4\u00f6\u00e5 \ud83e\udd68 \"a\/b\\c\" 3\u0025 <@> & '\n\t\u0001"#,
            "\u{7f}",
            r#"","list":[null,true,-1,53.5],"empty":{}}"#
        );
        assert_eq!(written(Sender::Messaging), expected);
    }

    #[test]
    fn changes_are_spaced_and_keep_slash_and_percent() {
        let expected = concat!(
            r#"{"text": "\u00e4\u00f6\u00e5 \ud83e\udd68 \"a/b\\c\" 3% <@> & '\n\t\u0001\u007f", "#,
            r#""list": [null, true, -1, 53.5], "empty": {}}"#
        );
        assert_eq!(written(Sender::Changes), expected);
    }

    #[test]
    fn both_forms_say_the_same() {
        let read = |sender| serde_json::from_str::<serde_json::Value>(&written(sender)).unwrap();
        assert_eq!(read(Sender::Messaging), read(Sender::Changes));
    }
}
