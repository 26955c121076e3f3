//! `X-Hub-Signature-256`: the only proof that a body comes from Meta.
//!
//! The HMAC covers the bytes exactly as they arrived. Meta signs an escaped form of its document,
//! so re-serialising the document, even to equal JSON, gives another signature (Graph API Webhooks,
//! Getting Started, "Validating Payloads"). Only [`Secrets::verify`] can build a [`VerifiedBody`],
//! so no code downstream can get an unverified body.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

type HmacSha256 = Hmac<Sha256>;

/// Prefix of the hex digits in the header.
const PREFIX: &[u8] = b"sha256=";

/// Prefix of a simulated body in its mark, so that the signature of a body is never a valid mark.
const SIMULATED: &[u8] = b"simulated.";

/// Prefix of the query in the mark of our own challenge.
const CHECKED: &[u8] = b"checked.";

/// Text hashed under a secret for its fingerprint.
const FINGERPRINT: &[u8] = b"fingerprint.";

const DIGEST_BYTES: usize = 32;

/// Length of a fingerprint in bytes: enough to distinguish two secrets, too short to search for
/// one.
const FINGERPRINT_BYTES: usize = 4;

/// The secrets of one Meta app, in the order of trial.
///
/// Deliveries of the Instagram Login product are signed with the Instagram app secret, all others
/// with the app secret of the basic settings. While a secret is rotated, the old one is valid too.
#[derive(Clone)]
pub struct Secrets(Arc<[Key]>);

struct Key {
    name: Arc<str>,
    fingerprint: Arc<str>,
    hmac: HmacSha256,
}

/// A body with a valid signature, and the name of the secret that matched.
#[derive(Clone, Debug)]
pub struct VerifiedBody {
    bytes: Bytes,
    secret: Arc<str>,
    fingerprint: Arc<str>,
}

/// Reason why a signature is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Fault {
    /// There is no `X-Hub-Signature-256`.
    #[error("the delivery has no X-Hub-Signature-256 header")]
    Missing,
    /// The header is not `sha256=` and 64 hexadecimal digits.
    #[error("the X-Hub-Signature-256 header is not sha256= and 64 hexadecimal digits")]
    Malformed,
    /// The signature matches no secret of the app.
    #[error("no secret of the app made this signature")]
    Mismatch,
}

impl Secrets {
    /// Prepares the keys. An app without any secret refuses every delivery.
    pub fn new<'a>(named: impl IntoIterator<Item = (&'a str, &'a SecretString)>) -> Self {
        Self(
            named
                .into_iter()
                .map(|(name, secret)| Key::new(name, secret))
                .collect(),
        )
    }

    /// Verifies `header`, the value of `X-Hub-Signature-256`, for `body`.
    ///
    /// # Errors
    /// If the header is missing or malformed, or no secret matches.
    pub fn verify(&self, header: Option<&[u8]>, body: Bytes) -> Result<VerifiedBody, Fault> {
        let signature = decode(header.ok_or(Fault::Missing)?).ok_or(Fault::Malformed)?;
        let key = self.matching(&[&body], &signature).ok_or(Fault::Mismatch)?;
        Ok(VerifiedBody {
            bytes: body,
            secret: Arc::clone(&key.name),
            fingerprint: Arc::clone(&key.fingerprint),
        })
    }

    /// True if `mark`, the value of `X-Hookshelf-Simulated`, was made for this body with one of the
    /// app's secrets.
    pub fn marks_simulated(&self, mark: &[u8], body: &[u8]) -> bool {
        decode_digest(mark).is_some_and(|mark| self.matching(&[SIMULATED, body], &mark).is_some())
    }

    /// True if `mark`, the value of `X-Hookshelf-Doctor`, was made for this query of a challenge
    /// with one of the app's secrets. Such a challenge is our own and proves nothing about Meta.
    pub fn marks_checked(&self, mark: &[u8], query: &str) -> bool {
        let matches = |mark| self.matching(&[CHECKED, query.as_bytes()], &mark).is_some();
        decode_digest(mark).is_some_and(matches)
    }

    /// Name of the secret that made `signature` for `text`, a self-signed document.
    pub(super) fn maker(&self, text: &[u8], signature: &[u8; 32]) -> Option<&Arc<str>> {
        self.matching(&[text], signature).map(|key| &key.name)
    }

    /// Names of the secrets, in the order of trial.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|key| &*key.name)
    }

    fn matching(&self, parts: &[&[u8]], signature: &[u8; 32]) -> Option<&Key> {
        self.0
            .iter()
            .find(|key| key.mac(parts).verify_slice(signature).is_ok())
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

impl Key {
    fn new(name: &str, secret: &SecretString) -> Self {
        Self {
            name: name.into(),
            fingerprint: fingerprint(secret).into(),
            hmac: keyed(secret),
        }
    }

    fn mac(&self, parts: &[&[u8]]) -> HmacSha256 {
        let mut mac = self.hmac.clone();
        for part in parts {
            mac.update(part);
        }
        mac
    }
}

impl VerifiedBody {
    /// Bytes of the body as they arrived.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Name of the secret that matched.
    pub fn secret(&self) -> &Arc<str> {
        &self.secret
    }

    /// Fingerprint of that secret.
    pub fn fingerprint(&self) -> &Arc<str> {
        &self.fingerprint
    }
}

/// Signer for one secret. The key is set up once, for signing many bodies.
#[derive(Clone)]
pub struct Signer(HmacSha256);

impl Signer {
    /// A signer with `secret`.
    pub fn new(secret: &SecretString) -> Self {
        Self(keyed(secret))
    }

    /// Value of `X-Hub-Signature-256` for `body`, as Meta would send it.
    pub fn signature(&self, body: &[u8]) -> String {
        let digest = self.0.clone().chain_update(body).finalize().into_bytes();
        spelled("sha256=", &digest.into())
    }

    /// Value of `X-Hookshelf-Simulated` that marks `body` as simulated, for a test with a single body;
    /// `simulate` uses a [`Signer`].
    pub fn mark(&self, body: &[u8]) -> String {
        let marked = self.0.clone().chain_update(SIMULATED).chain_update(body);
        spelled("", &marked.finalize().into_bytes().into())
    }
}

/// Formats a digest as hex digits after `prefix`, in a single allocation, since bulk signing makes
/// two for each body.
fn spelled(prefix: &str, digest: &[u8; DIGEST_BYTES]) -> String {
    let mut digits = [0; 2 * DIGEST_BYTES];
    // The buffer holds two digits per byte, and digits are valid text.
    let _ = hex::encode_to_slice(digest, &mut digits);
    [prefix, str::from_utf8(&digits).unwrap_or_default()].concat()
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").finish_non_exhaustive()
    }
}

/// Value of `X-Hub-Signature-256` for `body`, as Meta would send it.
pub fn sign(secret: &SecretString, body: &[u8]) -> String {
    Signer::new(secret).signature(body)
}

/// Value of `X-Hookshelf-Simulated` that marks `body` as simulated.
pub fn sign_simulated(secret: &SecretString, body: &[u8]) -> String {
    Signer::new(secret).mark(body)
}

/// Value of `X-Hookshelf-Doctor` that marks `query` as our own challenge.
pub fn sign_checked(secret: &SecretString, query: &str) -> String {
    let marked = keyed(secret).chain_update(CHECKED).chain_update(query);
    hex::encode(marked.finalize().into_bytes())
}

/// Fingerprint of a secret: shows if a name still means the same secret, without revealing it.
pub fn fingerprint(secret: &SecretString) -> String {
    let digest = keyed(secret).chain_update(FINGERPRINT).finalize();
    hex::encode(&digest.into_bytes()[..FINGERPRINT_BYTES])
}

fn keyed(secret: &SecretString) -> HmacSha256 {
    hmac_with(secret.expose_secret().as_bytes())
}

/// The HMAC `H` with this key.
#[expect(
    clippy::expect_used,
    reason = "HMAC takes a key of any length: RFC 2104, section 2"
)]
pub(crate) fn hmac_with<H: KeyInit>(key: &[u8]) -> H {
    H::new_from_slice(key).expect("a key of any length")
}

fn decode(header: &[u8]) -> Option<[u8; 32]> {
    decode_digest(header.strip_prefix(PREFIX)?)
}

fn decode_digest(hex_digits: &[u8]) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    hex::decode_to_slice(hex_digits, &mut digest)
        .ok()
        .map(|()| digest)
}

#[cfg(test)]
mod tests;
