//! Places of a JSON text that change if a program parses it and writes it again: the reason why a
//! signature is over the bytes.

use std::{borrow::Cow, ops::Range};

use super::text::cut;

/// Maximum number of places that are kept.
const MOST: usize = 12;

/// Maximum number of characters of each spelling.
const LONGEST: usize = 40;

/// Characters of numbers.
const NUMBER: &[u8] = b"+-.0123456789eE";

/// A place, its present spelling, and the one of a serializer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// Offset in bytes.
    pub(super) at: usize,
    pub(super) from: String,
    pub(super) to: String,
}

/// Places that would change.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Number of all places.
    pub(super) count: usize,
    /// The first places, with long spellings cut.
    pub(super) first: Vec<Change>,
    /// Bytes of the places in a part of the text.
    pub(super) places: Vec<Range<usize>>,
}

impl Change {
    /// The present spelling, with spaces that can be seen.
    pub(super) fn shown(&self) -> String {
        let visible = |char| match char {
            ' ' => '␣',
            '\n' => '␊',
            '\r' => '␍',
            '\t' => '␉',
            other => other,
        };
        self.from.chars().map(visible).collect()
    }
}

/// Finds the places of a JSON text that a serializer would change. `part` has those with their bytes.
pub(super) fn changes(json: &str, part: &Range<usize>) -> Changes {
    let mut found = Changes::default();
    each(json, |change| {
        found.count += 1;
        let place = change.at..change.at + change.from.len();
        if place.start < part.end && place.end > part.start {
            found.places.push(place);
        }
        if found.first.len() < MOST {
            found.first.push(Change {
                from: cut(&change.from, LONGEST),
                to: cut(&change.to, LONGEST),
                ..change
            });
        }
    });
    found
}

/// Length of the escape at the start of `text`, which is a backslash. Two halves of a character are
/// one escape.
pub(super) fn escape_length(text: &str) -> usize {
    match unit(text) {
        Some(0xd800..=0xdbff) if is_low(text.get(6..).unwrap_or_default()) => 12,
        Some(_) => 6,
        None => {
            let second = text.chars().nth(1).filter(char::is_ascii);
            1 + second.map_or(0, char::len_utf8)
        }
    }
}

fn is_low(text: &str) -> bool {
    matches!(unit(text), Some(0xdc00..=0xdfff))
}

/// UTF-16 unit of the escape at the start of `text`.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    u16::from_str_radix(digits, 16).ok().filter(|_| is_hex)
}

/// Spelling of an escape by a serializer.
fn respelled(escape: &str) -> Cow<'_, str> {
    let decoded = serde_json::from_str::<String>(&format!("\"{escape}\""));
    // Half of a character has no other spelling.
    let Ok(decoded) = decoded else {
        return Cow::Borrowed(escape);
    };
    let spelled = serde_json::Value::String(decoded).to_string();
    let inner = spelled.get(1..spelled.len() - 1);
    Cow::Owned(inner.unwrap_or_default().to_owned())
}

/// Calls `found` for each place, in order.
fn each(json: &str, mut found: impl FnMut(Change)) {
    let (mut at, mut is_string) = (0, false);
    while let Some(rest) = json.get(at..).filter(|rest| !rest.is_empty()) {
        let length = if is_string {
            inside(rest)
        } else {
            outside(rest)
        };
        let piece = rest.get(..length).unwrap_or(rest);
        is_string ^= piece == "\"";
        let to = spelling(piece, is_string);
        if to != piece {
            let (from, to) = (piece.to_owned(), to.into_owned());
            found(Change { at, from, to });
        }
        at += piece.len();
    }
}

/// Length of the next piece inside of a string: escapes that would change, the closing quote, or
/// other text.
fn inside(rest: &str) -> usize {
    if rest.starts_with('"') {
        return 1;
    }
    let mut length = changing(rest);
    if length > 0 {
        return length;
    }
    while let Some(left) = rest.get(length..).filter(|left| !left.starts_with('"')) {
        match left.chars().next() {
            Some('\\') if changing(left) > 0 => break,
            Some('\\') => length += escape_length(left),
            Some(other) => length += other.len_utf8(),
            None => break,
        }
    }
    length.max(1)
}

/// Length of the escapes at the start of `text` that would change.
fn changing(text: &str) -> usize {
    let mut length = 0;
    while let Some(left) = text.get(length..).filter(|left| left.starts_with('\\')) {
        let escape = left.get(..escape_length(left)).unwrap_or(left);
        if respelled(escape) == escape {
            break;
        }
        length += escape.len();
    }
    length
}

/// Length of the next piece outside of strings: spaces, a number, or one character.
fn outside(rest: &str) -> usize {
    let run = |is: fn(u8) -> bool| rest.bytes().take_while(|byte| is(*byte)).count();
    let first = rest.chars().next().map_or(1, char::len_utf8);
    run(is_space)
        .max(run(|byte| NUMBER.contains(&byte)))
        .max(first)
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Spelling of a piece by a serializer.
fn spelling(piece: &str, is_string: bool) -> Cow<'_, str> {
    let is_number = piece.bytes().all(|byte| NUMBER.contains(&byte));
    if is_string {
        return if changing(piece) == 0 {
            Cow::Borrowed(piece)
        } else {
            respelled(piece)
        };
    }
    if piece == "\u{feff}" || piece.bytes().all(is_space) {
        return Cow::Borrowed("");
    }
    let number = serde_json::from_str::<serde_json::Number>(piece);
    match number {
        Ok(number) if is_number => Cow::Owned(number.to_string()),
        _ => Cow::Borrowed(piece),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn found(json: &str) -> Vec<String> {
        let all = changes(json, &(0..0)).first.into_iter();
        all.map(|it| format!("{} {}→{}", it.at, it.from, it.to))
            .collect()
    }

    /// The text with all changes made.
    fn changed(json: &str) -> String {
        let (mut text, mut end) = (String::new(), 0);
        each(json, |change| {
            text.push_str(&json[end..change.at]);
            text.push_str(&change.to);
            end = change.at + change.from.len();
        });
        text + &json[end..]
    }

    #[test]
    fn escapes_spaces_and_numbers_change() {
        assert_eq!(
            found(r#"{"a": "x\u00e4\u00e9 \ud83d\ude42\/", "n":1E2}"#),
            [
                "5  →",
                r"8 \u00e4\u00e9→äé",
                r"21 \ud83d\ude42\/→🙂/",
                "37  →",
                "42 1E2→100.0"
            ]
        );
    }

    #[test]
    fn the_spelling_of_a_serializer_stays() {
        let json = r#"{"a":"\"\\\n\u001f ä","b":[1,-2.5,null,true,18446744073709551615]}"#;
        assert_eq!(found(json), [""; 0]);
        assert_eq!(found(r#"["\ud83d alone"]"#), [""; 0]);
    }

    #[test]
    fn long_and_many_places_are_bounded() {
        let json = format!("[\"{}\"{}]", r"\u00e4".repeat(500), " ,0".repeat(500));
        let changes = changes(&json, &(3_004..3_010));
        assert_eq!((changes.count, changes.first.len()), (501, MOST));
        assert_eq!(changes.first[0].from.chars().count(), LONGEST + 1);
        assert_eq!(changes.places, [3_006..3_007, 3_009..3_010]);
    }

    /// Writes a value as Meta does, with spaces.
    fn spelled(value: &Value) -> String {
        let text = serde_json::to_string_pretty(value).unwrap();
        let escape = |char: char| match char {
            '/' => "\\/".to_owned(),
            char if char.is_ascii() => char.to_string(),
            char => {
                let mut units = [0; 2];
                let units = char.encode_utf16(&mut units).iter();
                let units: Vec<_> = units.map(|unit| format!("\\u{unit:04x}")).collect();
                units.concat()
            }
        };
        text.chars().map(escape).collect()
    }

    proptest! {
        #[test]
        fn all_changes_together_are_the_text_of_a_serializer(
            text in any::<String>(), key in any::<String>(), number in any::<i64>(),
        ) {
            let value = json!({ key: [text, number, {}, [], null] });
            prop_assert_eq!(changed(&spelled(&value)), value.to_string());
        }

        #[test]
        fn any_text_can_be_looked_at(text in "\\PC*|[\\[\\]\"\\\\u0-9 d]*") {
            prop_assert!(changes(&text, &(0..text.len())).count <= text.len());
        }
    }
}
