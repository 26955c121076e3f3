//! Message ids as Meta's look, so that what reads them apart works on simulated ones too.
//!
//! A `mid` is text in base64, in which `Z` is the escape character: the account, the thread and
//! the item, whose upper bits are the time of creation in microseconds. Meta does not document
//! this; nothing may depend on it but diagnosis.

use super::random::Random;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The id of a message of an account's `thread`, created at `micros` since 1970; `low` makes it the
/// only one.
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
    ]
    .concat();
    escape_base64(named.as_bytes())
}

/// The id of the thread of an account and a person: 39 digits, the same for the same two.
pub(super) fn thread(account_id: &str, igsid: &str) -> String {
    let number = |id: &str| id.parse::<u64>().unwrap_or_default();
    let seed = number(account_id).rotate_left(32) ^ number(igsid);
    format!("34028236684171030094912{}", Random::new(seed).digits(16))
}

fn escape_base64(bytes: &[u8]) -> String {
    let mut text = Vec::with_capacity(bytes.len() * 4 / 3 + 16);
    let (threes, rest) = bytes.as_chunks();
    for three in threes {
        let characters = quantum(*three);
        if characters.iter().any(|it| ESCAPED[usize::from(*it)]) {
            for character in characters {
                escape(character, &mut text);
            }
        } else {
            text.extend_from_slice(&characters);
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
    let joined = u32::from_be_bytes([0, first, second, third]);
    [18, 12, 6, 0].map(|shift| ALPHABET[(joined >> shift) as usize & 63])
}

/// The characters that do not stand for themselves.
const ESCAPED: [bool; 256] = {
    let mut escaped = [false; 256];
    (escaped[b'Z' as usize], escaped[b'+' as usize]) = (true, true);
    (escaped[b'/' as usize], escaped[b'=' as usize]) = (true, true);
    escaped
};

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
    use super::{
        super::people::{ACCOUNTS, PEOPLE},
        *,
    };

    #[test]
    fn base64_with_an_escape_character() {
        assert_eq!(escape_base64(b"d"), "ZAAZDZD");
        assert_eq!(escape_base64(&[0xfb, 0xff]), "ZBZC8ZD");
        assert_eq!(escape_base64(b"mid"), "bWlk");
    }

    #[test]
    fn as_long_as_a_real_one_and_beginning_like_it() {
        for account in &ACCOUNTS {
            for person in &PEOPLE {
                let thread = thread(account.id, person.igsid);
                let mid = mid(account.id, &thread, 1_794_471_300_000_000, 1);
                assert_eq!(mid.len(), 164);
                assert!(mid.starts_with("aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlEOj"));
            }
        }
    }
}
