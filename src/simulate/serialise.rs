//! Writes a body byte for byte as one of Meta's two senders does.
//!
//! What they have in common: everything outside ASCII is a `\u` escape with hex digits in lower
//! case (Graph API Webhooks, Getting Started, "Validating Payloads"). What they do not: white
//! space, and which ASCII characters are escaped.

use std::{io::Write as _, ops::Range};

use super::json::Value;

/// Room for what most bodies are.
const ROOM: usize = 1000;

const HEX_DIGITS: &[u8; 16] = b"0123456789abcdef";

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
    pub(super) fn write(self, body: &Value<'_>) -> Vec<u8> {
        self.write_and_note(body).0
    }

    /// The same, and where in them the times of sending stand.
    pub(super) fn write_and_note(self, body: &Value<'_>) -> (Vec<u8>, Vec<Range<usize>>) {
        let mut writer = Writer {
            sender: self,
            plain: self.plain_bytes(),
            out: Vec::with_capacity(ROOM),
            sent_at: Vec::new(),
        };
        writer.value(body);
        (writer.out, writer.sent_at)
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
    plain: &'static [bool; 256],
    out: Vec<u8>,
    sent_at: Vec<Range<usize>>,
}

impl Writer {
    fn put(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn value(&mut self, value: &Value<'_>) {
        match value {
            Value::Null => self.put("null"),
            Value::Bool(flag) => self.put(if *flag { "true" } else { "false" }),
            Value::Integer(number) => self.integer(*number),
            Value::Decimal(number) => self.decimal(*number),
            Value::Text(text) => self.text(text),
            Value::Array(items) => self.array(items),
            Value::Object(keys) => self.object(keys),
            Value::Written(bytes) => self.out.extend_from_slice(bytes),
            Value::SentAt(time) => {
                let start = self.out.len();
                self.integer(*time);
                self.sent_at.push(start..self.out.len());
            }
        }
    }

    fn integer(&mut self, number: i64) {
        self.put(itoa::Buffer::new().format(number));
    }

    fn decimal(&mut self, number: f64) {
        // Writing to a vector cannot fail.
        let _ = write!(self.out, "{number}");
    }

    fn array(&mut self, items: &[Value<'_>]) {
        self.out.push(b'[');
        for (index, item) in items.iter().enumerate() {
            self.separate(index);
            self.value(item);
        }
        self.out.push(b']');
    }

    fn object(&mut self, keys: &[(&'static str, Value<'_>)]) {
        self.out.push(b'{');
        for (index, (key, value)) in keys.iter().enumerate() {
            self.separate(index);
            self.out.push(b'"');
            self.put(key);
            self.out.push(b'"');
            self.put(self.sender.colon());
            self.value(value);
        }
        self.out.push(b'}');
    }

    fn separate(&mut self, index: usize) {
        if index > 0 {
            self.put(self.sender.comma());
        }
    }

    /// Writes a string: runs of characters that stand for themselves as they are.
    fn text(&mut self, text: &str) {
        self.out.push(b'"');
        let mut rest = text;
        while let Some((run, other)) = rest.split_at_checked(self.run(rest.as_bytes())) {
            self.put(run);
            if other.is_empty() {
                break;
            }
            rest = self.escaped(other);
        }
        self.out.push(b'"');
    }

    /// How many bytes at the beginning stand for themselves. Eight are looked at together: in most
    /// texts there are no others.
    fn run(&self, bytes: &[u8]) -> usize {
        let is_plain = |byte: &u8| self.plain[usize::from(*byte)];
        let (eights, _) = bytes.as_chunks::<8>();
        let all = |eight: &&[u8; 8]| eight.iter().fold(true, |all, byte| all & is_plain(byte));
        let run = 8 * eights.iter().take_while(all).count();
        let rest = bytes[run..].iter();
        run + rest.take_while(|byte| is_plain(byte)).count()
    }

    /// Writes the first character as its escape, and leaves the others.
    fn escaped<'a>(&mut self, text: &'a str) -> &'a str {
        let mut characters = text.chars();
        if let Some(character) = characters.next() {
            match self.sender.escape(character) {
                Some(escaped) => self.put(escaped),
                None => self.units(character),
            }
        }
        characters.as_str()
    }

    /// Writes a character as the escapes of its UTF-16 units.
    fn units(&mut self, character: char) {
        for unit in character.encode_utf16(&mut [0; 2]) {
            let digit = |shift: u32| HEX_DIGITS[usize::from((*unit >> shift) & 0xf)];
            let escape = [b'\\', b'u', digit(12), digit(8), digit(4), digit(0)];
            self.out.extend_from_slice(&escape);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::json::{Json, object},
        *,
    };

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
