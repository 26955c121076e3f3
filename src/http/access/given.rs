//! Credential of a request, as the request spells it.

use axum::http::{HeaderMap, header};

use super::{cookie::Cookie, users::ProxyUser};
use crate::{config::Token, store::sessions::Digest};

/// Credential that a request comes with, the first of these.
#[derive(Clone, Debug)]
pub(super) enum Given {
    /// SHA-256 of a token.
    Token(Digest),
    /// User that a trusted proxy names.
    User(ProxyUser),
    /// SHA-256 of the id of a session.
    Session(Digest),
    Nothing,
}

impl Given {
    /// Reads the credential. A trusted proxy names the user in `user_header`.
    pub(super) fn read(headers: &HeaderMap, user_header: Option<&str>, cookie: &Cookie) -> Self {
        if let Some(token) = bearer(headers) {
            return Self::Token(Token::digest(token));
        }
        // The proxy tells who uses the browser now; a cookie may be of somebody before.
        if let Some(user) = user_header.and_then(|it| ProxyUser::read(headers, it)) {
            return Self::User(user);
        }
        cookie.read(headers).map_or(Self::Nothing, Self::Session)
    }
}

/// Token of the header `Authorization: Bearer`.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked(7)?;
    scheme
        .eq_ignore_ascii_case(b"bearer ")
        .then(|| token.trim_ascii())
}
