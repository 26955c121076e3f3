//! Keys of Standard Webhooks 1.0: <https://www.standardwebhooks.com>.

use std::ops::RangeInclusive;

use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretSlice, SecretString};

/// Prefix of a secret.
const PREFIX: &str = "whsec_";

/// Length of a secret in bytes, once decoded.
const LENGTH: RangeInclusive<usize> = 24..=64;

/// Key that signs the events of a destination.
#[derive(Clone, Debug)]
pub struct WebhookKey(SecretSlice<u8>);

/// Reason why a text is no secret. None of them shows a part of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretFault {
    /// The prefix is missing.
    #[error("the secret does not begin with {PREFIX}")]
    Prefix,
    /// The rest is not base64.
    #[error("the secret behind {PREFIX} is not base64 with padding")]
    Encoding,
    /// The decoded secret has another length, in bytes.
    #[error("the secret has {0} bytes")]
    Length(usize),
}

impl WebhookKey {
    /// Parses `whsec_` and the base64 of 24 to 64 bytes.
    ///
    /// # Errors
    /// If the text has another form.
    pub fn parse(text: &SecretString) -> Result<Self, SecretFault> {
        let encoded = text.expose_secret().strip_prefix(PREFIX);
        let encoded = encoded.ok_or(SecretFault::Prefix)?;
        // The error of the decoder names a byte of the secret.
        let key = STANDARD.decode(encoded);
        let key = SecretSlice::from(key.map_err(|_| SecretFault::Encoding)?);
        match key.expose_secret().len() {
            length if LENGTH.contains(&length) => Ok(Self(key)),
            length => Err(SecretFault::Length(length)),
        }
    }

    /// Bytes of the key.
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret()
    }
}

/// For telling whether a reload changed anything.
impl PartialEq for WebhookKey {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for WebhookKey {}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<WebhookKey, SecretFault> {
        WebhookKey::parse(&text.into())
    }

    #[test]
    fn a_secret_has_24_to_64_bytes() {
        let of = |bytes: usize| parse(&format!("whsec_{}", STANDARD.encode(vec![7; bytes])));
        assert!(of(24).is_ok() && of(64).is_ok());
        assert_eq!(of(23).unwrap_err(), SecretFault::Length(23));
        assert_eq!(of(65).unwrap_err(), SecretFault::Length(65));
        assert_eq!(of(0).unwrap_err(), SecretFault::Length(0));
    }

    #[test]
    fn another_text_is_no_secret_and_is_not_shown() {
        for (text, fault) in [
            ("", SecretFault::Prefix),
            (
                "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=",
                SecretFault::Prefix,
            ),
            ("whsk_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcY", SecretFault::Prefix),
            ("whsec_!", SecretFault::Encoding),
            (
                "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA",
                SecretFault::Encoding,
            ),
            (
                "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRob-_8=",
                SecretFault::Encoding,
            ),
        ] {
            assert_eq!(parse(text).unwrap_err(), fault, "{text}");
        }
        let key = parse("whsec_ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7").unwrap();
        assert!(format!("{key:?}").contains("REDACTED"), "{key:?}");
    }
}
