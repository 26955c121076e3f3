//! Term that a reader looks for in stored text, in upper or lower case.

use std::ops::Range;

/// A term in lower case.
#[derive(Debug)]
pub(super) struct Term(String);

impl Term {
    pub(super) fn of(text: &str) -> Self {
        Self(text.chars().flat_map(char::to_lowercase).collect())
    }

    /// True if a text has the term.
    pub(super) fn is_in(&self, text: &str) -> bool {
        Self::of(text).0.contains(&self.0)
    }

    /// Places of the term in a text, in order.
    pub(super) fn places(&self, text: &str) -> Vec<Range<usize>> {
        let mut lower = String::with_capacity(text.len());
        // Place in the text of each byte in lower case, which may be longer or shorter.
        let mut places: Vec<Range<usize>> = Vec::with_capacity(text.len());
        for (at, character) in text.char_indices() {
            lower.extend(character.to_lowercase());
            places.resize(lower.len(), at..at + character.len_utf8());
        }
        let found = lower.match_indices(&self.0);
        let mut end = 0;
        let place = |(at, found): (usize, &str)| {
            let last = places.get(at + found.len().checked_sub(1)?)?;
            // Two places may begin and end in the same character.
            let start = places.get(at)?.start.max(end);
            end = last.end;
            (start < end).then_some(start..end)
        };
        found.filter_map(place).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_term_is_found_in_upper_and_lower_case() {
        let parts = |term: &str, text: &str| -> Vec<String> {
            let places = Term::of(term).places(text).into_iter();
            places.map(|place| text[place].to_owned()).collect()
        };
        assert_eq!(parts("MID", "mid.1 Mid.2"), ["mid", "Mid"]);
        assert_eq!(parts("straße", "STRASSE Straße"), ["Straße"]);
        // In lower case, the first character is a byte longer.
        assert_eq!(parts("b", "İb"), ["b"]);
        assert_eq!(parts("ü", "Ü👩ü"), ["Ü", "ü"]);
        assert_eq!(parts("\u{307}i", "İİİ"), ["İİ", "İ"]);
        assert!(parts("x", "abc").is_empty());
        assert!(parts("", "abc").is_empty());
    }

    proptest! {
        #[test]
        fn places_are_parts_of_the_text_in_order(text in any::<String>(), term in "\\PC{1,2}") {
            let term = Term::of(&term);
            let places = term.places(&text);
            prop_assert_eq!(!places.is_empty(), term.is_in(&text));
            let mut end = 0;
            for place in places {
                prop_assert!(text.get(place.clone()).is_some_and(|part| !part.is_empty()));
                prop_assert!(place.start >= end);
                end = place.end;
            }
        }
    }
}
