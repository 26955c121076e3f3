//! Headers of a body in Meta's form.

use std::fmt;

use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha1::Sha1;
use uuid::Uuid;

use super::{Header, content_type};
use crate::meta::signature::{Signer, hmac_with};

/// Signer of bodies in Meta's form, for the one secret that the receiver knows.
#[derive(Clone)]
pub struct HubSigner {
    sha256: Signer,
    sha1: Hmac<Sha1>,
}

impl HubSigner {
    /// A signer with `secret`.
    pub fn new(secret: &SecretString) -> Self {
        Self {
            sha256: Signer::new(secret),
            sha1: hmac_with(secret.expose_secret().as_bytes()),
        }
    }

    /// Headers of a request with `body`, which was built from the delivery `delivery`. No header of
    /// the delivery itself is passed on. Meta sends both signatures.
    pub fn headers(&self, body: &[u8], delivery: Uuid) -> [Header; 4] {
        let sha1 = self.sha1.clone().chain_update(body).finalize();
        let sha1 = format!("sha1={}", hex::encode(sha1.into_bytes()));
        [
            content_type(),
            ("x-hub-signature-256", self.sha256.signature(body)),
            ("x-hub-signature", sha1),
            ("x-hookshelf-delivery", delivery.to_string()),
        ]
    }
}

impl fmt::Debug for HubSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubSigner").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_signatures_are_those_of_another_implementation() {
        let signer = HubSigner::new(&"a secret of this test".into());
        let delivery = Uuid::from_u128(1);
        let body = br#"{"object":"instagram","entry":[]}"#;
        let expected = [
            ("content-type", "application/json"),
            (
                "x-hub-signature-256",
                "sha256=82a5d0109853bf89902989dddd639915cb0803667e1917e2c50bfbcd9b73f42e",
            ),
            (
                "x-hub-signature",
                "sha1=dc59d1fbdba83b180d7126a0dc496ab6a52f2bb2",
            ),
            (
                "x-hookshelf-delivery",
                "00000000-0000-0000-0000-000000000001",
            ),
        ];
        let headers = signer.headers(body, delivery);
        assert_eq!(
            headers.each_ref().map(|(name, it)| (*name, it.as_str())),
            expected
        );
        assert_eq!(format!("{signer:?}"), "HubSigner { .. }");
    }
}
