//! Lease tokens as text, protected against modification.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::{
    forward::lanes::{LaneKey, Token},
    meta::signature::hmac_with,
};

/// Length of a token in bytes: lane, position, attempt and number of the hand-out.
const TOKEN: usize = 28;

/// Length of the authentication code in bytes.
const CODE: usize = 16;

/// Key of the lease tokens of one consumer. It is stored with the consumer, so that a lease outlives
/// a restart of the server.
#[derive(Clone)]
pub struct LeaseKey(Hmac<Sha256>);

impl LeaseKey {
    /// A key of any length.
    pub fn new(key: &[u8]) -> Self {
        Self(hmac_with(key))
    }

    /// The token as text: base64url of its bytes and an authentication code.
    pub fn encode(&self, token: &Token) -> String {
        let mut bytes = to_bytes(token).to_vec();
        let code = self.0.clone().chain_update(&bytes).finalize().into_bytes();
        bytes.extend_from_slice(&code[..CODE]);
        BASE64.encode(bytes)
    }

    /// Reads a token; `None` if this key did not make it.
    pub fn decode(&self, text: &str) -> Option<Token> {
        let bytes = BASE64.decode(text).ok()?;
        let (token, code) = bytes.split_first_chunk::<TOKEN>()?;
        let is_whole = code.len() == CODE;
        let mac = self.0.clone().chain_update(token);
        (is_whole && mac.verify_truncated_left(code).is_ok()).then(|| from_bytes(token))
    }
}

impl std::fmt::Debug for LeaseKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LeaseKey").finish_non_exhaustive()
    }
}

fn to_bytes(token: &Token) -> [u8; TOKEN] {
    let mut bytes = [0; TOKEN];
    bytes[..8].copy_from_slice(&token.lane.to_bits().to_be_bytes());
    bytes[8..16].copy_from_slice(&token.position.to_be_bytes());
    bytes[16..20].copy_from_slice(&token.attempt.to_be_bytes());
    bytes[20..].copy_from_slice(&token.number.to_be_bytes());
    bytes
}

fn from_bytes(bytes: &[u8; TOKEN]) -> Token {
    let part = |from: usize| {
        let part = bytes[from..].first_chunk().copied();
        part.unwrap_or_default()
    };
    let attempt = bytes[16..].first_chunk().copied();
    Token {
        lane: LaneKey::from_bits(u64::from_be_bytes(part(0))),
        position: i64::from_be_bytes(part(8)),
        attempt: u32::from_be_bytes(attempt.unwrap_or_default()),
        number: u64::from_be_bytes(part(20)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    prop_compose! {
        fn tokens()(lane: u64, position: i64, attempt: u32, number: u64) -> Token {
            Token { lane: LaneKey::from_bits(lane), position, attempt, number }
        }
    }

    proptest! {
        #[test]
        fn a_token_comes_out_as_it_went_in(token in tokens()) {
            let key = LeaseKey::new(b"key");
            prop_assert_eq!(key.decode(&key.encode(&token)), Some(token));
        }

        #[test]
        fn a_modified_token_is_refused(token in tokens(), at in 0..59_usize, with in "[A-Za-z0-9_-]") {
            let key = LeaseKey::new(b"key");
            let text = key.encode(&token);
            let mut other = text.clone();
            other.replace_range(at..=at, &with);
            prop_assume!(other != text);
            prop_assert_eq!(key.decode(&other), None);
        }

        #[test]
        fn any_text_is_a_token_of_the_key_or_refused(text: String, token in tokens()) {
            let (key, other) = (LeaseKey::new(b"key"), LeaseKey::new(b"another"));
            prop_assert_eq!(key.decode(&text), None);
            prop_assert_eq!(key.decode(&other.encode(&token)), None);
            let text = key.encode(&token);
            prop_assert_eq!(key.decode(&text[..text.len() - 1]), None);
            prop_assert_eq!(key.decode(&format!("{text}A")), None);
        }
    }
}
