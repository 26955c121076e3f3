//! JSON text that Postgres can hold.
//!
//! JSON may escape U+0000 and unpaired surrogates; Postgres can store neither in text. Both
//! become `\ufffd`, which is as long as what it replaces, so that every other byte stays where it
//! was and one can still say which item was touched. The bytes as received are kept beside.

use std::borrow::Cow;

/// The length of `\uXXXX`.
const ESCAPE: usize = 6;

/// A JSON text without escapes that Postgres refuses.
#[derive(Debug)]
pub struct SafeText<'a> {
    text: Cow<'a, str>,
    replaced: Vec<usize>,
}

impl<'a> SafeText<'a> {
    /// Replaces what cannot be stored; borrows where there is nothing to replace.
    pub fn new(text: &'a str) -> Self {
        let replaced = unsafe_escapes(text);
        if replaced.is_empty() {
            return Self {
                text: Cow::Borrowed(text),
                replaced,
            };
        }
        let mut safe = text.to_owned();
        for &at in &replaced {
            safe.replace_range(at..at + ESCAPE, "\\ufffd");
        }
        Self {
            text: Cow::Owned(safe),
            replaced,
        }
    }

    /// A text that is known to have no escapes.
    pub fn unescaped(text: &'a str) -> Self {
        Self {
            text: Cow::Borrowed(text),
            replaced: Vec::new(),
        }
    }

    /// The safe text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether something was replaced inside `part`, a slice of [`as_str`](Self::as_str).
    pub fn touched(&self, part: &str) -> bool {
        let start = (part.as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize);
        let first = self.replaced.partition_point(|&at| at < start);
        self.replaced
            .get(first)
            .is_some_and(|&at| at < start.saturating_add(part.len()))
    }
}

/// Where the escapes begin that Postgres refuses, in order.
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
        // A backslash before a character of several bytes is no JSON; do not stop inside it.
        while at < text.len() && !text.is_char_boundary(at) {
            at += 1;
        }
    }
    found
}

/// The code unit that `\uXXXX` at `at` stands for.
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
        SafeText::new(text).as_str().to_owned()
    }

    #[test]
    fn what_postgres_refuses_is_replaced() {
        assert_eq!(safe(r#""a\u0000b""#), r#""a\ufffdb""#);
        assert_eq!(safe(r#""\ud83d""#), r#""\ufffd""#);
        assert_eq!(safe(r#""\uDE0D\ud83d\ude0d""#), r#""\ufffd\ud83d\ude0d""#);
        assert_eq!(safe(r#""\ud83d\ud83d\ude0d""#), r#""\ufffd\ud83d\ude0d""#);
    }

    #[test]
    fn everything_else_is_borrowed_as_it_is() {
        for text in [
            r#""\\u0000""#,
            r#""\u00e4\/\n\ud83d\ude0d""#,
            "{}",
            "",
            "\\",
            "\\ä\\u12",
        ] {
            assert!(matches!(SafeText::new(text).text, Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn it_knows_which_part_was_touched() {
        let safe = SafeText::new(r#"["\u0000","b"]"#);
        assert!(safe.touched(&safe.as_str()[1..9]));
        assert!(!safe.touched(&safe.as_str()[10..13]));
        assert!(!safe.touched(&safe.as_str()[..1]));
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
