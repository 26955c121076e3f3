//! Sanitiser for JSON text that Postgres cannot store.
//!
//! JSON may escape U+0000 and unpaired surrogates; Postgres can store neither in text. Both become
//! `\ufffd`, which has the same length. So all other bytes keep their offset, and the changed items
//! can be identified. The bytes as received are stored unchanged.

use std::borrow::Cow;

use bytestring::ByteString;

/// Length of `\uXXXX`.
const ESCAPE: usize = 6;

/// A JSON text without the escapes that Postgres refuses.
#[derive(Debug)]
pub struct SafeText {
    text: ByteString,
    replaced: Vec<usize>,
}

impl SafeText {
    /// Replaces the unsafe escapes; without any, the text is not copied.
    pub fn new(text: ByteString) -> Self {
        let replaced = unsafe_escapes(&text);
        if replaced.is_empty() {
            return Self { text, replaced };
        }
        let mut safe = String::from(text);
        for &at in &replaced {
            safe.replace_range(at..at + ESCAPE, "\\ufffd");
        }
        Self {
            text: safe.into(),
            replaced,
        }
    }

    /// A text that has no escapes.
    pub fn unescaped(text: ByteString) -> Self {
        Self {
            text,
            replaced: Vec::new(),
        }
    }

    /// The safe text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// True if an escape inside `part` was replaced. `part` is a slice of [`as_str`](Self::as_str).
    pub fn touched(&self, part: &str) -> bool {
        let start = self.place(part);
        let first = self.replaced.partition_point(|&at| at < start);
        self.replaced
            .get(first)
            .is_some_and(|&at| at < start.saturating_add(part.len()))
    }

    /// Converts `part` without a copy if it is a slice of [`as_str`](Self::as_str).
    pub fn share(&self, part: Cow<'_, str>) -> ByteString {
        match part {
            Cow::Borrowed(part) if self.holds(part) => self.text.slice_ref(part),
            part => part.into_owned().into(),
        }
    }

    fn holds(&self, part: &str) -> bool {
        self.place(part).saturating_add(part.len()) <= self.text.len()
    }

    /// Offset of `part`, a slice of [`as_str`](Self::as_str).
    pub fn place(&self, part: &str) -> usize {
        (part.as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize)
    }
}

/// Offsets of the escapes that Postgres refuses, ascending.
fn unsafe_escapes(text: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = text.get(at..).and_then(|rest| rest.find('\\')) {
        at += next;
        at += match code_unit(text, at) {
            None => 2,
            Some(0xD800..=0xDBFF) if is_low_surrogate(text, at + ESCAPE) => 2 * ESCAPE,
            Some(0 | 0xD800..=0xDFFF) => {
                found.push(at);
                ESCAPE
            }
            Some(_) => ESCAPE,
        };
        // A backslash before a multi-byte character is invalid JSON; do not stop inside the
        // character.
        while at < text.len() && !text.is_char_boundary(at) {
            at += 1;
        }
    }
    found
}

/// Code unit of `\uXXXX` at `at`.
fn code_unit(text: &str, at: usize) -> Option<u16> {
    let digits = text.get(at..at + ESCAPE)?.strip_prefix("\\u")?;
    let all_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u16::from_str_radix(digits, 16).ok().filter(|_| all_hex)
}

fn is_low_surrogate(text: &str, at: usize) -> bool {
    matches!(code_unit(text, at), Some(0xDC00..=0xDFFF))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn safe(text: &str) -> String {
        SafeText::new(text.into()).as_str().to_owned()
    }

    #[test]
    fn what_postgres_refuses_is_replaced() {
        assert_eq!(safe(r#""a\u0000b""#), r#""a\ufffdb""#);
        assert_eq!(safe(r#""\ud83d""#), r#""\ufffd""#);
        assert_eq!(safe(r#""\uDE0D\ud83d\ude0d""#), r#""\ufffd\ud83d\ude0d""#);
        assert_eq!(safe(r#""\ud83d\ud83d\ude0d""#), r#""\ufffd\ud83d\ude0d""#);
    }

    #[test]
    fn everything_else_is_shared_as_it_is() {
        for text in [
            r#""\\u0000""#,
            r#""\u00e4\/\n\ud83d\ude0d""#,
            "{}",
            "",
            "\\",
            "\\ä\\u12",
        ] {
            let safe = SafeText::new(ByteString::from_static(text));
            assert_eq!(
                (safe.as_str(), safe.as_str().as_ptr()),
                (text, text.as_ptr())
            );
        }
    }

    #[test]
    fn it_knows_which_part_was_touched() {
        let safe = SafeText::new(r#"["\u0000","b"]"#.into());
        assert!(safe.touched(&safe.as_str()[1..9]));
        assert!(!safe.touched(&safe.as_str()[10..13]));
        assert!(!safe.touched(&safe.as_str()[..1]));
    }

    #[test]
    fn only_its_own_parts_are_kept_without_a_copy() {
        let safe = SafeText::new("a text of its own".into());
        let part = &safe.as_str()[2..6];
        assert_eq!(safe.share(part.into()).as_ptr(), part.as_ptr());
        for other in ["text", "a longer text than the text of its own is"] {
            let kept = safe.share(other.into());
            assert_eq!(kept, other);
            assert_ne!(kept.as_ptr(), other.as_ptr());
        }
    }

    proptest! {
        #[test]
        fn any_text_keeps_its_length_and_is_safe_afterwards(text: String) {
            let once = safe(&text);
            prop_assert_eq!(once.len(), text.len());
            prop_assert!(unsafe_escapes(&once).is_empty());
        }

        #[test]
        fn escapes_of_every_kind_end_as_readable_json(
            units in prop::collection::vec(any::<u16>(), 0..20),
        ) {
            let escapes: Vec<_> = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
            let escapes = escapes.concat();
            let decoded: String = serde_json::from_str(&safe(&format!("\"{escapes}\"")))?;
            prop_assert!(!decoded.contains('\0'));
        }
    }
}
