//! Challenge: Meta's GET request that verifies the callback URL.
//!
//! Graph API Webhooks, Getting Started, "Validating Verification Requests": check that
//! `hub.verify_token` is the string set in the App Dashboard and answer with `hub.challenge`.

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Reason why a challenge was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// A required parameter is missing or empty.
    #[error("hub.mode, hub.verify_token or hub.challenge is missing")]
    Incomplete,
    /// `hub.mode` is not `subscribe`, the only value Meta documents.
    #[error("hub.mode is not subscribe")]
    Mode,
    /// The verify token differs from ours, or none is configured.
    #[error("the verify token does not match")]
    Token,
}

/// Returns the challenge to echo, if the query of the request contains our verify token.
///
/// The challenge is text: Meta documents an integer, but nothing may depend on it. If a parameter
/// is repeated, its first value counts.
///
/// # Errors
/// If a parameter is missing or wrong. An unconfigured token matches nothing, not even an empty
/// one.
pub fn answer(query: &str, expected: Option<&SecretString>) -> Result<String, Refusal> {
    let value = |name: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    };
    let mode = value("hub.mode").ok_or(Refusal::Incomplete)?;
    let token = value("hub.verify_token").ok_or(Refusal::Incomplete)?;
    if mode != "subscribe" {
        return Err(Refusal::Mode);
    }
    if !expected.is_some_and(|expected| same(expected, &token)) {
        return Err(Refusal::Token);
    }
    value("hub.challenge")
        .filter(|challenge| !challenge.is_empty())
        .ok_or(Refusal::Incomplete)
}

/// Compares hashes, so that timing reveals neither the content nor the length of the token.
fn same(expected: &SecretString, given: &str) -> bool {
    let expected = expected.expose_secret();
    let equal = Sha256::digest(expected).ct_eq(&Sha256::digest(given));
    bool::from(equal) && !expected.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(query: &str, token: &str) -> Result<String, Refusal> {
        answer(query, Some(&SecretString::from(token)))
    }

    #[test]
    fn the_right_token_gets_its_challenge_back() {
        let query = "hub.mode=subscribe&hub.challenge=0042&hub.verify_token=loaf%20of%20bread";
        assert_eq!(ask(query, "loaf of bread"), Ok("0042".to_owned()));
    }

    #[test]
    fn a_wrong_token_is_refused() {
        let query = "hub.mode=subscribe&hub.challenge=42&hub.verify_token=loaf";
        assert_eq!(ask(query, "loa"), Err(Refusal::Token));
        assert_eq!(ask(query, "loafs"), Err(Refusal::Token));
    }

    #[test]
    fn no_token_matches_nothing() {
        let query = "hub.mode=subscribe&hub.challenge=42&hub.verify_token=";
        assert_eq!(answer(query, None), Err(Refusal::Token));
        assert_eq!(ask(query, ""), Err(Refusal::Token));
    }

    #[test]
    fn other_modes_and_missing_parameters_are_refused() {
        let other = "hub.mode=unsubscribe&hub.challenge=42&hub.verify_token=loaf";
        assert_eq!(ask(other, "loaf"), Err(Refusal::Mode));
        assert_eq!(
            ask("hub.mode=subscribe&hub.verify_token=loaf", "loaf"),
            Err(Refusal::Incomplete)
        );
        assert_eq!(ask("", "loaf"), Err(Refusal::Incomplete));
        let php = "hub_mode=subscribe&hub_challenge=5&hub_verify_token=loaf";
        assert_eq!(ask(php, "loaf"), Err(Refusal::Incomplete));
    }

    #[test]
    fn the_first_of_a_repeated_parameter_counts() {
        let query = "hub.mode=subscribe&hub.challenge=1&hub.challenge=2&hub.verify_token=loaf";
        assert_eq!(ask(query, "loaf"), Ok("1".to_owned()));
    }
}
