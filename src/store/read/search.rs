//! A search text as a regular expression of Postgres.
//!
//! `ILIKE` folds only ASCII where the database has the locale C, as the private Postgres does. So
//! each letter becomes a set of its own upper and lower case here, and the locale does not matter.

/// Matches a text that contains `searched`, in upper or lower case. Nothing in it is a wildcard.
pub(super) fn containing(searched: &str) -> String {
    let mut pattern = String::with_capacity(4 * searched.len());
    for char in searched.chars() {
        match cases(char).as_slice() {
            [one] if one.is_ascii_punctuation() => pattern.extend(['\\', *one]),
            [one] => pattern.push(*one),
            several => {
                pattern.push('[');
                pattern.extend(several);
                pattern.push(']');
            }
        }
    }
    pattern
}

/// A character in each case that is a single character, itself first.
fn cases(char: char) -> Vec<char> {
    let upper = single(char.to_uppercase());
    let lower = single(char.to_lowercase());
    let both = upper.and_then(|upper| single(upper.to_lowercase()));
    let mut cases = vec![char];
    for other in [upper, lower, both].into_iter().flatten() {
        if !cases.contains(&other) {
            cases.push(other);
        }
    }
    cases
}

fn single(mut chars: impl ExactSizeIterator<Item = char>) -> Option<char> {
    if chars.len() == 1 { chars.next() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_match_in_both_cases_and_signs_only_themselves() {
        assert_eq!(containing("Ab 1é"), "[Aa][bB] 1[éÉ]");
        assert_eq!(containing(r"50%_\.*[("), r"50\%\_\\\.\*\[\(");
        assert_eq!(containing("ßς日🥐"), "ß[ςΣσ]日🥐");
    }
}
