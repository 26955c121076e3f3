//! Codes of failed attempts.

use std::borrow::Cow;

/// Reason of a failed attempt in the form `[a-z0-9_]{1,32}`, so that no text of an event gets in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code(Cow<'static, str>);

impl Code {
    /// The lease ended without a settlement.
    pub const EXPIRED: Self = Self(Cow::Borrowed("expired"));

    /// The worker returned the item for the second time.
    pub const RELEASED: Self = Self(Cow::Borrowed("released"));

    /// The code `text`; `None` if it has another form.
    pub fn new(text: &str) -> Option<Self> {
        let is_allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
        let is_code = (1..=32).contains(&text.len()) && text.bytes().all(is_allowed);
        is_code.then(|| Self(Cow::Owned(text.to_owned())))
    }

    /// The code as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_few_characters_of_few_kinds() {
        for text in ["graph_429", "5", &"a".repeat(32)] {
            assert_eq!(Code::new(text).unwrap().as_str(), text);
        }
        for text in ["", "Graph", "see you", "a-b", "ä", &"a".repeat(33)] {
            assert_eq!(Code::new(text), None, "{text}");
        }
        assert_eq!(Code::new("expired"), Some(Code::EXPIRED));
        assert_eq!(Code::new("released"), Some(Code::RELEASED));
    }
}
