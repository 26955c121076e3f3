//! Ids as Meta's look, so that a program that reads Meta's reads simulated ones too.

use std::fmt::Write;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::random::Random;

/// `number` with zeros up to `count` digits, after `prefix`.
pub(super) fn padded(prefix: &str, number: u64, count: usize) -> String {
    format!("{prefix}{number:0count$}")
}

/// A number of at most `digits` digits, up to 18, that no other place below 10 to their power has:
/// one step of a walk that meets every such number once.
pub(super) fn scattered(place: u64, digits: u32) -> u64 {
    /// Digits of the golden ratio, which spreads the steps of such a walk most evenly.
    const GOLDEN: u64 = 6_180_339_887_498_948_482;
    let size = 10_u64.pow(digits);
    // Ending in seven, it has no divisor in common with the size, so that nothing is left out.
    let step = GOLDEN / 10_u64.pow(19 - digits) / 10 * 10 + 7;
    let number = (u128::from(place) + 7) * u128::from(step) % u128::from(size);
    u64::try_from(number).unwrap_or_default()
}

/// The id of a message between an account and a person, created at `micros` since 1970; `low` makes
/// it unique.
///
/// A `mid` is text in base64, in which `Z` is the escape character: the account, the thread and
/// the item, whose upper bits are the time of creation in microseconds. Meta does not document
/// this; nothing may depend on it but diagnosis.
pub(super) fn mid(account_id: &str, igsid: &str, micros: u64, low: u64) -> String {
    let thread = thread(account_id, igsid);
    let item = (u128::from(micros) << 64) | u128::from(low);
    let mut named = String::with_capacity(128);
    // A text takes all that is written to it.
    let _ = write!(
        named,
        "ig_dm_item:1:IGMessageID:{account_id}:34028236684171030094912{thread:016}:{item}"
    );
    escaped(&STANDARD.encode(named))
}

/// The last 16 digits of the id of the thread of an account and a person.
fn thread(account_id: &str, igsid: &str) -> u64 {
    let number = |id: &str| id.parse::<u64>().unwrap_or_default();
    let seed = number(account_id).rotate_left(32) ^ number(igsid);
    Random::new(seed).next() % 10_u64.pow(16)
}

fn escaped(base64: &str) -> String {
    let mut text = String::with_capacity(base64.len() + 16);
    for character in base64.chars() {
        match character {
            'Z' => text.push_str("ZA"),
            '+' => text.push_str("ZB"),
            '/' => text.push_str("ZC"),
            '=' => text.push_str("ZD"),
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_has_an_escape_character() {
        let escaped = |bytes: &[u8]| escaped(&STANDARD.encode(bytes));
        assert_eq!(escaped(b"d"), "ZAAZDZD");
        assert_eq!(escaped(&[0xfb, 0xff]), "ZBZC8ZD");
    }

    #[test]
    fn a_message_id_is_as_long_as_a_real_one_and_begins_like_it() {
        for igsid in ["739184620517346", "1284730965518207", "26497318850142973"] {
            let mid = mid("17841460310258847", igsid, 1_794_471_300_000_000, 1);
            assert_eq!(mid.len(), 164);
            assert!(mid.starts_with("aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlEOj"));
        }
    }
}
