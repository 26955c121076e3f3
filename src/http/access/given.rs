//! Credential of a request, as the request spells it.

use axum::http::{HeaderMap, header};

use super::{cookie::Cookie, users::ProxyUser};
use crate::{
    config::{Admin, Token},
    store::sessions::Digest,
};

/// Credential that a request comes with, the first of these.
#[derive(Clone, Debug)]
pub(super) enum Given {
    /// SHA-256 of a token.
    Token(Digest),
    /// User that a trusted proxy names, and the SHA-256 of a token beside it.
    User(ProxyUser, Option<Digest>),
    /// SHA-256 of the id of a session.
    Session(Digest),
    Nothing,
}

impl Given {
    /// Reads the credential. `proxy` says how a trusted proxy names the user, if it sent the request.
    pub(super) fn read(headers: &HeaderMap, proxy: Option<&Admin>, cookie: &Cookie) -> Self {
        let token = bearer(headers);
        let user = proxy.and_then(|admin| {
            let header = admin.user_header.as_deref()?;
            ProxyUser::read(headers, header, admin.groups_header.as_deref())
        });
        // The user goes before a cookie, which may be of somebody who used the browser before.
        // oauth2-proxy adds a token of its identity provider for the signed-in user. A token that
        // `hookshelf token new` made is meant for this server, right or wrong.
        if let Some(user) = user
            && !token.is_some_and(Token::is_generated)
        {
            return Self::User(user, token.map(Token::digest));
        }
        if let Some(token) = token {
            return Self::Token(Token::digest(token));
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
