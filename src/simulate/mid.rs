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
    escape_base64(format!("ig_dm_item:1:IGMessageID:{account_id}:{thread}:{item}").as_bytes())
}

/// The id of the thread of an account and a person: 39 digits, the same for the same two.
pub(super) fn thread(account_id: &str, igsid: &str) -> String {
    let number = |id: &str| id.parse::<u64>().unwrap_or_default();
    let seed = number(account_id).rotate_left(32) ^ number(igsid);
    format!("34028236684171030094912{}", Random::new(seed).digits(16))
}

fn escape_base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 4 / 3 + 16);
    for character in bytes.chunks(3).flat_map(quantum) {
        escape(character, &mut text);
    }
    text
}

/// Up to three bytes as four characters; `=` fills what is missing.
fn quantum(bytes: &[u8]) -> [u8; 4] {
    let byte = |index| bytes.get(index).copied().map_or(0, usize::from);
    let joined = byte(0) << 16 | byte(1) << 8 | byte(2);
    let mut characters = [18, 12, 6, 0].map(|shift| ALPHABET[(joined >> shift) & 63]);
    characters[bytes.len() + 1..].fill(b'=');
    characters
}

fn escape(character: u8, text: &mut String) {
    match character {
        b'Z' => text.push_str("ZA"),
        b'+' => text.push_str("ZB"),
        b'/' => text.push_str("ZC"),
        b'=' => text.push_str("ZD"),
        other => text.push(char::from(other)),
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
