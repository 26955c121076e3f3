//! Meta's two senders: their headers, and the bytes that each writes for the same JSON.
//!
//! Both write everything outside ASCII as a `\u` escape with hex digits in lower case (Graph API
//! Webhooks, Getting Started, "Validating Payloads"). They differ in white space and in the ASCII
//! characters that they escape.

/// Meta's two senders, with different serializers and headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// Sends messaging items: compact, `/` as `\/` and `%` as `\u0025`, as PHP would.
    Messaging,
    /// Sends changes: `", "` and `": "`, as Python would.
    Changes,
}

impl Sender {
    /// The headers that differ between the senders.
    pub(super) fn headers(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Messaging => &[
                ("user-agent", "facebookexternalua"),
                ("accept-encoding", "deflate, gzip"),
                ("facebook-api-version", "unversioned"),
            ],
            Self::Changes => &[
                ("user-agent", "Webhooks/1.0 (https://fb.me/webhooks)"),
                ("accept-encoding", "gzip"),
            ],
        }
    }

    /// A time of sending, in milliseconds since 1970, in the unit of the sender.
    pub(super) fn time(self, ms: i64) -> i64 {
        match self {
            Self::Messaging => ms,
            Self::Changes => ms.div_euclid(1000),
        }
    }

    /// The mark between items and keys.
    pub(super) fn comma(self) -> &'static str {
        match self {
            Self::Messaging => ",",
            Self::Changes => ", ",
        }
    }

    /// The mark after a key.
    pub(super) fn colon(self) -> &'static str {
        match self {
            Self::Messaging => ":",
            Self::Changes => ": ",
        }
    }

    /// Writes a text as it stands between the quotes of a string.
    pub(super) fn write(self, text: &str, out: &mut Vec<u8>) {
        for character in text.chars() {
            match self.escape(character) {
                Some(escape) => out.extend_from_slice(escape.as_bytes()),
                None => match u8::try_from(character) {
                    Ok(byte @ 0x20..=0x7f) => out.push(byte),
                    _ => units(character, out),
                },
            }
        }
    }

    /// The escape of an ASCII character that has one of its own.
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

/// Writes a character as the escapes of its UTF-16 units.
fn units(character: char, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for unit in character.encode_utf16(&mut [0; 2]) {
        let digit = |shift: u32| DIGITS[usize::from((*unit >> shift) & 0xf)];
        out.extend_from_slice(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "äöå \u{1f968} \"a/b\\c\" 3% <@> & '\n\t\u{1}\u{7f}";

    fn written(sender: Sender) -> String {
        let mut out = Vec::new();
        sender.write(TEXT, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn messaging_escapes_slash_and_percent() {
        let expected = concat!(
            r#"\u00e4\u00f6\u00e5 \ud83e\udd68 \"a\/b\\c\" 3\u0025 <@> & '\n\t\u0001"#,
            "\u{7f}"
        );
        assert_eq!(written(Sender::Messaging), expected);
    }

    #[test]
    fn changes_keep_slash_and_percent() {
        let expected = r#"\u00e4\u00f6\u00e5 \ud83e\udd68 \"a/b\\c\" 3% <@> & '\n\t\u0001\u007f"#;
        assert_eq!(written(Sender::Changes), expected);
    }

    #[test]
    fn both_senders_say_the_same() {
        for sender in [Sender::Messaging, Sender::Changes] {
            let quoted = format!("\"{}\"", written(sender));
            assert_eq!(serde_json::from_str::<String>(&quoted).unwrap(), TEXT);
        }
    }
}
