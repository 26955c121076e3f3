//! A search text as a regular expression of Postgres.
//!
//! `ILIKE` folds only ASCII if the database has the locale C, such as the private Postgres. Each
//! letter therefore becomes a set of its upper and lower case, independent of the locale.

/// Builds a pattern for texts that contain `searched`, in upper or lower case. `searched` has no
/// wildcards.
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

/// Upper and lower case of a character, if each is a single character; the character itself comes
/// first.
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
