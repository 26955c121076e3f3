//! `signed_request`: Meta's POST when a person removes the app or requests the deletion of their
//! data.
//!
//! `base64url(signature) "." base64url(document)`: the signature is HMAC-SHA256 with the app secret
//! over the encoded second part, before decoding (Meta for Developers, "Data Deletion Request
//! Callback" and "Signed Requests"). Only [`SignedRequest::verify`] can build a request, so no
//! forged request is acted on, and the document is parsed only after its signature was verified.

use std::{borrow::Cow, fmt, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;

use super::{
    json::{Index, Object},
    signature::Secrets,
    split::MAX_ID,
    time,
};

/// Name of the form field.
const FIELD: &str = "signed_request";

/// The only algorithm documented by Meta.
const ALGORITHM: &str = "HMAC-SHA256";

/// Maximum length in bytes: Meta's have a few hundred.
const LONGEST: usize = 16 << 10;

/// A request with a valid signature, and its content.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedRequest {
    secret: Arc<str>,
    user_id: Option<String>,
    issued_at: Option<Timestamp>,
    expires: Option<Timestamp>,
}

/// Reason why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Fault {
    /// The request is far longer than any of Meta's.
    #[error("the signed request has more than {LONGEST} bytes")]
    TooLong,
    /// The request is not a signature, a dot and a document.
    #[error("the signed request is not a signature of 32 bytes, a dot and a text, both base64url")]
    Malformed,
    /// The signature matches no secret of the app.
    #[error("no secret of the app made this signed request")]
    Mismatch,
    /// The signature is valid, but the document is not a JSON object.
    #[error("the signed request has a right signature, but what it says is no JSON object")]
    Unreadable,
    /// The signature is valid, but the document names another algorithm, or none.
    #[error("the signed request has a right signature, but does not name HMAC-SHA256 as its own")]
    Algorithm,
}

/// Finds the signed request in a form: the first field of that name.
pub fn in_form(form: &[u8]) -> Option<Cow<'_, str>> {
    let mut fields = form_urlencoded::parse(form);
    let found = fields.find(|(name, _)| name == FIELD);
    found.map(|(_, value)| value)
}

impl SignedRequest {
    /// Verifies and parses `value`, which arrived at `received_at`.
    ///
    /// Padding after either part is accepted, since some senders write it. Padding after the
    /// document is part of the signed text.
    ///
    /// # Errors
    /// If the request is malformed, or no secret matches.
    pub fn verify(value: &[u8], secrets: &Secrets, received_at: Timestamp) -> Result<Self, Fault> {
        if value.len() > LONGEST {
            return Err(Fault::TooLong);
        }
        let (signature, document) = split(value).ok_or(Fault::Malformed)?;
        let signature = decode_signature(signature).ok_or(Fault::Malformed)?;
        let bytes = decode(document).ok_or(Fault::Malformed)?;
        let secret = secrets.maker(document, &signature);
        let secret = Arc::clone(secret.ok_or(Fault::Mismatch)?);
        let text = std::str::from_utf8(&bytes).map_err(|_| Fault::Unreadable)?;
        let index = Index::of(text).ok_or(Fault::Unreadable)?;
        let document = index.root(text).object().ok_or(Fault::Unreadable)?;
        let algorithm = document.text("algorithm").ok_or(Fault::Algorithm)?;
        if !algorithm.eq_ignore_ascii_case(ALGORITHM) {
            return Err(Fault::Algorithm);
        }
        Ok(Self::of(&document, secret, received_at))
    }

    fn of(document: &Object<'_, '_>, secret: Arc<str>, received_at: Timestamp) -> Self {
        let user_id = document.id("user_id").filter(|id| id.len() <= MAX_ID);
        let moment = |key| time::read(&document.id(key)?);
        Self {
            secret,
            user_id: user_id.map(Cow::into_owned),
            issued_at: moment("issued_at").filter(|it| time::believable(*it, received_at)),
            expires: moment("expires").filter(|it| *it >= time::START),
        }
    }

    /// Name of the secret that matched.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// App-scoped id of the person, which is neither an IGSID nor the id of an account. None if it
    /// is missing or invalid.
    pub fn user_id(&self) -> Option<&str> {
        self.user_id.as_deref()
    }

    /// Time of signing; none if it is missing or implausible.
    pub fn issued_at(&self) -> Option<Timestamp> {
        self.issued_at
    }

    /// Expiry of the person's access token, which does not limit the validity of the request; none
    /// if the token does not expire.
    pub fn expires(&self) -> Option<Timestamp> {
        self.expires
    }
}

impl fmt::Debug for SignedRequest {
    /// Hides all data of the person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedRequest")
            .field("secret", &self.secret)
            .field("issued_at", &self.issued_at)
            .finish_non_exhaustive()
    }
}

/// Splits at the first dot.
fn split(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let dot = value.iter().position(|byte| *byte == b'.')?;
    let (signature, rest) = value.split_at_checked(dot)?;
    Some((signature, rest.get(1..)?))
}

fn decode_signature(part: &[u8]) -> Option<[u8; 32]> {
    decode(part)?.try_into().ok()
}

/// Decodes base64url, with or without padding.
fn decode(part: &[u8]) -> Option<Vec<u8>> {
    let padding = part.iter().rev().take_while(|byte| **byte == b'=').count();
    let bare = part.get(..part.len() - padding)?;
    URL_SAFE_NO_PAD.decode(bare).ok()
}

#[cfg(test)]
mod tests;
