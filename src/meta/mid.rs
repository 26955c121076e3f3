//! Creation time in a `mid`.
//!
//! Meta does not document the form of a `mid`. Recorded ones of 2021 to 2026 are base64 with `Z` as
//! the escape character: `ig_dm_item:1:IGMessageID:<account>:<thread>:<item>`, and the upper bits
//! of the item number are the creation time in microseconds. Only the order of keys in an index may
//! depend on it.

use base64::{Engine, engine::general_purpose::STANDARD};

/// Maximum length of a decoded `mid`, in bytes. Recorded ones have 164.
const MAX_LENGTH: usize = 512;

/// Creation time of the message in seconds since 1970; `None` if the `mid` has another form.
pub fn created_second(mid: &str) -> Option<u32> {
    let mut base64 = [0; MAX_LENGTH];
    let base64 = unescape(mid, &mut base64)?;
    let mut name = [0; MAX_LENGTH];
    let length = STANDARD.decode_slice(base64, &mut name).ok()?;
    let name = str::from_utf8(name.get(..length)?).ok()?;
    let (_, item) = name.strip_prefix("ig_dm_item:1:")?.rsplit_once(':')?;
    let microseconds = item.parse::<u128>().ok()? >> 64;
    u32::try_from(microseconds / 1_000_000).ok()
}

/// Decodes the escapes of `mid` to base64: `ZA` is `Z`, `ZB` `+`, `ZC` `/`, `ZD` `=`.
fn unescape<'a>(mid: &str, base64: &'a mut [u8; MAX_LENGTH]) -> Option<&'a [u8]> {
    let mut bytes = mid.bytes();
    let mut length = 0;
    while let Some(byte) = bytes.next() {
        *base64.get_mut(length)? = match byte {
            b'Z' => *b"Z+/=".get(usize::from(bytes.next()?.wrapping_sub(b'A')))?,
            byte => byte,
        };
        length += 1;
    }
    base64.get(..length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mid(name: &str) -> String {
        let base64 = STANDARD.encode(name).replace('Z', "ZA");
        base64
            .replace('+', "ZB")
            .replace('/', "ZC")
            .replace('=', "ZD")
    }

    fn item(name: &str, microseconds: u128) -> String {
        mid(&format!("{name}{}", (microseconds << 64) + 77))
    }

    #[test]
    fn the_upper_bits_of_the_item_are_its_creation_time() {
        for digits in ["1", "12", "123"] {
            let name = format!("ig_dm_item:1:IGMessageID:17841400000000001:340282{digits}:");
            let mid = item(&name, 1_795_170_000_999_999);
            assert_eq!(created_second(&mid), Some(1_795_170_000), "{mid}");
        }
    }

    #[test]
    fn a_mid_of_another_form_has_no_creation_time() {
        let name = "ig_dm_item:1:IGMessageID:1:2:";
        let whole = item(name, 1_795_170_000_000_000);
        for mid in [
            "",
            "m",
            "random_mid",
            "m_mid.1457764197618:41d102a3e1ae206a38",
            "Z",
            "ZE",
            &whole[..whole.len() - 5],
            &whole.repeat(8),
            &mid("ig_dm_item:1:IGMessageID:1:2:x"),
            &mid("another:1:2"),
            &item(name, u128::from(u64::MAX)),
        ] {
            assert_eq!(created_second(mid), None, "{mid}");
        }
    }
}
