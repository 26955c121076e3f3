//! Events in the form of Standard Webhooks 1.0: <https://www.standardwebhooks.com>.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use hmac::{Hmac, Mac};
use jiff::Timestamp;
use serde_json::value::RawValue;
use sha2::Sha256;
use uuid::Uuid;

use super::{Header, content_type};
use crate::config::WebhookKey;
use crate::meta::{event::Kind, signature::hmac_with};

/// Secret of a destination.
#[derive(Clone)]
pub struct WebhookSecret(Hmac<Sha256>);

impl WebhookSecret {
    /// The secret with this key.
    pub fn new(key: &WebhookKey) -> Self {
        Self(hmac_with(key.expose()))
    }

    /// Signature of a request, with the version of the scheme.
    fn sign(&self, id: &str, seconds: &str, body: &[u8]) -> String {
        let mac = self.0.clone();
        let mac = mac.chain_update(id).chain_update(".").chain_update(seconds);
        let mac = mac.chain_update(".").chain_update(body).finalize();
        format!("v1,{}", STANDARD.encode(mac.into_bytes()))
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookSecret").finish_non_exhaustive()
    }
}

/// An event with its id and body, which are the same in every attempt.
#[derive(Clone, Debug)]
pub struct WebhookEvent {
    id: String,
    body: Bytes,
}

impl WebhookEvent {
    /// The event of this kind at `at` with its JSON `data`.
    pub fn new(dedupe_key: Uuid, kind: Kind, at: Timestamp, data: &RawValue) -> Self {
        let (kind, data) = (kind.as_str(), data.get());
        let body = format!(r#"{{"type":"instagram.{kind}","timestamp":"{at:.3}","data":{data}}}"#);
        Self {
            id: format!("evt_{dedupe_key}"),
            body: body.into(),
        }
    }

    /// The body.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Headers of an attempt at `now`, with a signature for each of the valid `secrets`.
    pub fn headers(&self, secrets: &[WebhookSecret], now: Timestamp) -> [Header; 4] {
        let seconds = now.as_second().to_string();
        let signatures = secrets
            .iter()
            .map(|secret| secret.sign(&self.id, &seconds, &self.body));
        let signatures: Vec<_> = signatures.collect();
        [
            content_type(),
            ("webhook-id", self.id.clone()),
            ("webhook-timestamp", seconds),
            ("webhook-signature", signatures.join(" ")),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> WebhookSecret {
        WebhookSecret::new(&WebhookKey::parse(&text.into()).unwrap())
    }

    fn event() -> WebhookEvent {
        let key = "6af57a50-370f-7f8d-f1a8-e6657856c112".parse().unwrap();
        let at = "2026-11-20T11:59:59.87Z".parse().unwrap();
        let data = RawValue::from_string(r#"{"position":"42"}"#.to_owned()).unwrap();
        WebhookEvent::new(key, Kind::Reaction, at, &data)
    }

    // The expected signatures are those of the reference implementation for Python.
    #[test]
    fn each_valid_secret_signs_the_attempt() {
        let secrets = [
            "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=",
            "whsec_ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7",
        ]
        .map(secret);
        let now = "2026-11-20T12:00:00.999Z".parse().unwrap();
        let headers = event().headers(&secrets, now);
        let expected = [
            ("content-type", "application/json"),
            ("webhook-id", "evt_6af57a50-370f-7f8d-f1a8-e6657856c112"),
            ("webhook-timestamp", "1795176000"),
            (
                "webhook-signature",
                "v1,idCK59CeEiD1NGreYim8DLjnAlPgl+FHs8uogPVrC7o= \
                 v1,xNymewGANkytcfscNxYOAHhjav23aP73bPxS/tZDYhI=",
            ),
        ];
        assert_eq!(
            headers.each_ref().map(|(name, it)| (*name, it.as_str())),
            expected
        );
    }

    #[test]
    fn the_body_has_type_time_and_data() {
        let expected = r#"{"type":"instagram.reaction","timestamp":"2026-11-20T11:59:59.870Z","data":{"position":"42"}}"#;
        assert_eq!(event().body(), expected);
    }

    #[test]
    fn debug_output_shows_no_secret() {
        let secret = secret("whsec_ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7");
        assert_eq!(format!("{secret:?}"), "WebhookSecret { .. }");
    }
}
