//! Writes a body byte for byte as one of Meta's two senders does.
//!
//! What they have in common: everything outside ASCII is a `\u` escape with hex digits in lower
//! case (Graph API Webhooks, Getting Started, "Validating Payloads"). What they do not: white
//! space, and which ASCII characters are escaped.

use std::fmt::Write as _;

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
                ("Facebook-API-Version", "unversioned"),
            ],
            Self::Changes => &[
                ("User-Agent", "Webhooks/1.0 (https://fb.me/webhooks)"),
                ("Accept-Encoding", "gzip"),
            ],
        }
    }

    /// The bytes of `body`.
    pub(super) fn write(self, body: &Json) -> Vec<u8> {
        let mut writer = Writer {
            sender: self,
            out: String::new(),
        };
        writer.value(body);
        writer.out.into_bytes()
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
    fn escape(self, character: char) -> Option<&'static str> {
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
}

struct Writer {
    sender: Sender,
    out: String,
}

impl Writer {
    fn value(&mut self, value: &Json) {
        match value {
            Json::Null => self.out.push_str("null"),
            Json::Bool(flag) => self.out.push_str(if *flag { "true" } else { "false" }),
            Json::Integer(number) => self.out.push_str(&number.to_string()),
            Json::Decimal(number) => self.out.push_str(&number.to_string()),
            Json::Text(text) => self.text(text),
            Json::Array(items) => self.array(items),
            Json::Object(keys) => self.object(keys),
        }
    }

    fn array(&mut self, items: &[Json]) {
        self.out.push('[');
        for (index, item) in items.iter().enumerate() {
            self.separate(index);
            self.value(item);
        }
        self.out.push(']');
    }

    fn object(&mut self, keys: &[(String, Json)]) {
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

    fn text(&mut self, text: &str) {
        self.out.push('"');
        for character in text.chars() {
            match self.sender.escape(character) {
                Some(escaped) => self.out.push_str(escaped),
                None if matches!(character, ' '..='\u{7f}') => self.out.push(character),
                None => self.units(character),
            }
        }
        self.out.push('"');
    }

    /// Writes a character as the escapes of its UTF-16 units.
    fn units(&mut self, character: char) {
        for unit in character.encode_utf16(&mut [0; 2]) {
            // Writing to a String cannot fail.
            let _ = write!(self.out, "\\u{unit:04x}");
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
