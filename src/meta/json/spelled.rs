//! Decoder of JSON strings with escapes, character by character.
//!
//! A key is compared with every name that is asked for. So it is decoded only up to the first
//! difference, without an allocation: a hostile body may be full of keys with escapes.

use std::str::Chars;

/// True if `inside`, the content between the quotes of a string, decodes to `text`.
pub(super) fn is(inside: &str, text: &str) -> bool {
    Spelled(inside.chars()).eq(text.chars().map(Some))
}

/// The characters of a string; `None` for an unpaired surrogate.
struct Spelled<'a>(Chars<'a>);

impl Iterator for Spelled<'_> {
    type Item = Option<char>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(match self.0.next()? {
            '\\' => self.escaped(),
            char => Some(char),
        })
    }
}

impl Spelled<'_> {
    fn escaped(&mut self) -> Option<char> {
        match self.0.next()? {
            'b' => Some('\u{8}'),
            'f' => Some('\u{c}'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'u' => self.unicode(),
            char => Some(char),
        }
    }

    fn unicode(&mut self) -> Option<char> {
        let first = self.unit()?;
        if !matches!(first, 0xD800..0xDC00) {
            return char::from_u32(first.into());
        }
        let another = self.0.next() == Some('\\') && self.0.next() == Some('u');
        let second = another.then(|| self.unit())??;
        char::decode_utf16([first, second]).next()?.ok()
    }

    fn unit(&mut self) -> Option<u16> {
        let (digits, rest) = self.0.as_str().split_at_checked(4)?;
        self.0 = rest.chars();
        u16::from_str_radix(digits, 16).ok()
    }
}
