//! Ids as Meta's look, so that a program that reads Meta's reads simulated ones too.

use super::random::Random;

/// Enough digits for any number.
const MOST: usize = 20;

/// The last `count` digits of `number`, with zeros if it has fewer, after `prefix`. A load run
/// makes several for each delivery, so that they are not left to the general formatter.
pub(super) fn padded(prefix: &str, number: u64, count: usize) -> String {
    let mut digits = [b'0'; MOST];
    let digits = &mut digits[..count.min(MOST)];
    let mut rest = number;
    for digit in digits.iter_mut().rev() {
        *digit += u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
    }
    [prefix, str::from_utf8(digits).unwrap_or_default()].concat()
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

/// The id of the thread of an account and a person: 39 digits, the same for the same two.
pub(super) fn thread(account_id: &str, igsid: &str) -> String {
    let number = |id: &str| id.parse::<u64>().unwrap_or_default();
    let seed = number(account_id).rotate_left(32) ^ number(igsid);
    padded("34028236684171030094912", Random::new(seed).next(), 16)
}

/// The id of a message of an account's `thread`, created at `micros` since 1970; `low` makes it the
/// only one.
///
/// A `mid` is text in base64, in which `Z` is the escape character: the account, the thread and
/// the item, whose upper bits are the time of creation in microseconds. Meta does not document
/// this; nothing may depend on it but diagnosis.
pub(super) fn mid(account_id: &str, thread: &str, micros: u64, low: u64) -> String {
    let item = (u128::from(micros) << 64) | u128::from(low);
    let mut digits = itoa::Buffer::new();
    let item = digits.format(item);
    let named = [
        "ig_dm_item:1:IGMessageID:",
        account_id,
        ":",
        thread,
        ":",
        item,
    ];
    escape_base64(named.concat().as_bytes())
}

fn escape_base64(bytes: &[u8]) -> String {
    let mut text = Vec::with_capacity(bytes.len() * 4 / 3 + 16);
    let (threes, rest) = bytes.as_chunks();
    for three in threes {
        for character in quantum(*three) {
            escape(character, &mut text);
        }
    }
    if !rest.is_empty() {
        let mut three = [0; 3];
        three[..rest.len()].copy_from_slice(rest);
        let [first, second, third, _] = quantum(three);
        // `=` fills what is missing.
        let third = if rest.len() == 1 { b'=' } else { third };
        for character in [first, second, third, b'='] {
            escape(character, &mut text);
        }
    }
    String::from_utf8(text).unwrap_or_default()
}

/// Three bytes as four characters.
fn quantum([first, second, third]: [u8; 3]) -> [u8; 4] {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let joined = u32::from_be_bytes([0, first, second, third]);
    [18, 12, 6, 0].map(|shift| ALPHABET[(joined >> shift) as usize & 63])
}

fn escape(character: u8, text: &mut Vec<u8>) {
    match character {
        b'Z' => text.extend_from_slice(b"ZA"),
        b'+' => text.extend_from_slice(b"ZB"),
        b'/' => text.extend_from_slice(b"ZC"),
        b'=' => text.extend_from_slice(b"ZD"),
        other => text.push(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_stand_for_missing_digits() {
        assert_eq!(padded("178", 420, 14), format!("178{:014}", 420));
        assert_eq!(padded("", u64::MAX, 20), u64::MAX.to_string());
        assert_eq!(padded("x", 12_345, 3), "x345");
    }

    #[test]
    fn base64_has_an_escape_character() {
        assert_eq!(escape_base64(b"d"), "ZAAZDZD");
        assert_eq!(escape_base64(&[0xfb, 0xff]), "ZBZC8ZD");
        assert_eq!(escape_base64(b"mid"), "bWlk");
    }

    #[test]
    fn a_message_id_is_as_long_as_a_real_one_and_begins_like_it() {
        let account = "17841460310258847";
        for igsid in ["739184620517346", "1284730965518207", "26497318850142973"] {
            let thread = thread(account, igsid);
            let mid = mid(account, &thread, 1_794_471_300_000_000, 1);
            assert_eq!(mid.len(), 164);
            assert!(mid.starts_with("aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlEOj"));
        }
    }
}
