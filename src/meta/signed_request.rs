//! `signed_request`: what Meta posts when a person removes the app or wants their data deleted.
//!
//! `base64url(signature) "." base64url(document)`: the signature is HMAC-SHA256 under the app
//! secret over the second part as it is spelled, before it is decoded (Meta for Developers, "Data
//! Deletion Request Callback" and "Signed Requests"). Only [`SignedRequest::verify`] can build one,
//! so nobody acts on a request that Meta did not make, and nothing of the document is read before
//! its signature was right.

use std::{borrow::Cow, fmt, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;

use super::{
    json::{Index, Object},
    signature::Secrets,
    split::MAX_ID,
    time,
};

/// The field of the form that carries it.
const FIELD: &str = "signed_request";

/// The only algorithm that Meta documents.
const ALGORITHM: &str = "HMAC-SHA256";

/// The most bytes that one may have: Meta's have a few hundred.
const LONGEST: usize = 16 << 10;

/// A request whose signature was right, and what it says.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedRequest {
    secret: Arc<str>,
    user_id: Option<String>,
    issued_at: Option<Timestamp>,
    expires: Option<Timestamp>,
}

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Fault {
    /// It is far longer than any that Meta makes.
    #[error("the signed request has more than {LONGEST} bytes")]
    TooLong,
    /// It is not a signature, a dot and a document.
    #[error("the signed request is not a signature of 32 bytes, a dot and a text, both base64url")]
    Malformed,
    /// No secret of the app made the signature.
    #[error("no secret of the app made this signed request")]
    Mismatch,
    /// The signature is right, but what was signed is no JSON object.
    #[error("the signed request has a right signature, but what it says is no JSON object")]
    Unreadable,
    /// The signature is right, but the document names another algorithm, or none.
    #[error("the signed request has a right signature, but does not name HMAC-SHA256 as its own")]
    Algorithm,
}

/// The signed request in a form as a browser or Meta posts it: the first field of that name.
pub fn in_form(form: &[u8]) -> Option<Cow<'_, str>> {
    let mut fields = form_urlencoded::parse(form);
    let found = fields.find(|(name, _)| name == FIELD);
    found.map(|(_, value)| value)
}

impl SignedRequest {
    /// Opens `value` with whichever of `secrets` made it. `received_at` is when it came.
    ///
    /// Padding behind either part is tolerated, since some senders leave it there. It counts as
    /// signed where it follows the document.
    ///
    /// # Errors
    /// Says what is wrong with it, or that no secret matches.
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

    /// The name of the secret that matched.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// Whom it is about: an id that only this app has for the person. It is neither an IGSID nor
    /// the id of an account. None where Meta names none, or one that is no id.
    pub fn user_id(&self) -> Option<&str> {
        self.user_id.as_deref()
    }

    /// When Meta signed it; none where it says none that can be.
    pub fn issued_at(&self) -> Option<Timestamp> {
        self.issued_at
    }

    /// When the person's access token expires, which says nothing about how long the request
    /// counts; none where it does not expire.
    pub fn expires(&self) -> Option<Timestamp> {
        self.expires
    }
}

impl fmt::Debug for SignedRequest {
    /// Says nothing about the person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedRequest")
            .field("secret", &self.secret)
            .field("issued_at", &self.issued_at)
            .finish_non_exhaustive()
    }
}

/// The two parts, which the first dot separates.
fn split(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let dot = value.iter().position(|byte| *byte == b'.')?;
    let (signature, rest) = value.split_at_checked(dot)?;
    Some((signature, rest.get(1..)?))
}

fn decode_signature(part: &[u8]) -> Option<[u8; 32]> {
    decode(part)?.try_into().ok()
}

/// Base64 with the alphabet for URLs, with or without padding.
fn decode(part: &[u8]) -> Option<Vec<u8>> {
    let padding = part.iter().rev().take_while(|byte| **byte == b'=').count();
    let bare = part.get(..part.len() - padding)?;
    URL_SAFE_NO_PAD.decode(bare).ok()
}

#[cfg(test)]
mod tests;
