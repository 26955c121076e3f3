//! A challenge is answered where a plain reading of its query says so, and with nothing else.

use secrecy::SecretString;

use crate::meta::challenge::{Refusal, answer};

/// Reads `data` as two lines: our verify token, and the query.
pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (token, query) = text.split_once('\n').unwrap_or(("loaf", &text));
    let found = answer(query, Some(&SecretString::from(token)));
    assert_eq!(found, expected(query, token));
    assert!(answer(query, None).is_err());
    assert!(answer(query, Some(&SecretString::from(""))).is_err());
}

fn expected(query: &str, token: &str) -> Result<String, Refusal> {
    let pairs: Vec<_> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(key, value)| (decoded(key.as_bytes()), decoded(value.as_bytes())))
        .collect();
    let first = |name: &str| {
        let found = pairs.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.clone())
    };
    let (mode, given) = (first("hub.mode"), first("hub.verify_token"));
    let (Some(mode), Some(given)) = (mode, given) else {
        return Err(Refusal::Incomplete);
    };
    if mode != "subscribe" {
        return Err(Refusal::Mode);
    }
    if given != token || token.is_empty() {
        return Err(Refusal::Token);
    }
    let challenge = first("hub.challenge").unwrap_or_default();
    if challenge.is_empty() {
        return Err(Refusal::Incomplete);
    }
    Ok(challenge)
}

/// URL Standard, section 5.1: `+` is a space, `%` and two digits are a byte, the rest is itself.
pub(crate) fn decoded(mut rest: &[u8]) -> String {
    let mut bytes = Vec::new();
    while let [first, after @ ..] = rest {
        rest = after;
        let digit = |byte: &u8| char::from(*byte).to_digit(16);
        match (first, after) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, after @ ..]) if digit(high).is_some() && digit(low).is_some() => {
                let byte = digit(high).unwrap_or(0) * 16 + digit(low).unwrap_or(0);
                bytes.push(byte as u8);
                rest = after;
            }
            _ => bytes.push(*first),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
