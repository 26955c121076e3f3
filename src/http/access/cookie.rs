//! The cookie of a session: a random id. The server keeps only its SHA-256.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::{
    config::{BasePath, Token},
    store::sessions::{Digest, LONGEST},
};

/// Name of the cookie.
const NAME: &str = "hookshelf_session";

/// Name of the cookie on https without a base path: browsers take it from this host only, and not
/// from a neighbour under the same domain.
const HOST_NAME: &str = "__Host-hookshelf_session";

/// Cookie of the connection that a request came by.
#[derive(Clone, Debug)]
pub(super) struct Cookie {
    /// True if the browser uses https.
    pub(super) is_https: bool,
    pub(super) base: BasePath,
}

impl Cookie {
    fn name(&self) -> &'static str {
        if self.is_https && self.base.is_root() {
            HOST_NAME
        } else {
            NAME
        }
    }

    /// SHA-256 of the id in a request; `None` without a well-formed cookie.
    pub(super) fn read(&self, headers: &HeaderMap) -> Option<Digest> {
        let lines = headers.get_all(header::COOKIE).iter();
        let pairs = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'));
        let mut named = pairs
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(name, _)| *name == self.name());
        named.find_map(|(_, value)| {
            let mut id = [0; 32];
            hex::decode_to_slice(value, &mut id).ok()?;
            Some(Token::digest(&id))
        })
    }

    /// Header that sets the cookie.
    pub(super) fn set(&self, id: &[u8; 32]) -> Option<HeaderValue> {
        self.header(&hex::encode(id), LONGEST.as_secs())
    }

    /// Header that removes the cookie.
    pub(super) fn remove(&self) -> Option<HeaderValue> {
        self.header("", 0)
    }

    fn header(&self, value: &str, seconds: i64) -> Option<HeaderValue> {
        let secure = if self.is_https { "; Secure" } else { "" };
        let root = if self.base.is_root() { "/" } else { "" };
        let (name, path) = (self.name(), self.base.join(root));
        let text = format!(
            "{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
        );
        let mut header = HeaderValue::from_str(&text).ok()?;
        header.set_sensitive(true);
        Some(header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: [u8; 32] = [0xab; 32];

    fn read(is_https: bool, lines: &[&str]) -> Option<Digest> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::COOKIE, line.parse().unwrap());
        }
        let base = BasePath::default();
        Cookie { is_https, base }.read(&headers)
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let (id, digest) = (hex::encode(ID), Some(Token::digest(&ID)));
        let own = format!("hookshelf_session={id}");
        assert_eq!(read(false, &[&format!("a=b; {own}; c=d")]), digest);
        assert_eq!(read(false, &["a=b", &own]), digest);
        assert_eq!(
            read(false, &[&format!("hookshelf_session=; {own}")]),
            digest
        );
        assert_eq!(read(true, &[&format!("__Host-{own}")]), digest);
    }

    #[test]
    fn a_cookie_of_another_name_or_form_is_none() {
        let id = hex::encode(ID);
        for (is_https, line) in [
            (false, format!("hookshelf_session={}", &id[1..])),
            (false, format!("hookshelf_session={id}00")),
            (false, format!("hookshelf_session=\"{id}\"")),
            (false, format!("xhookshelf_session={id}")),
            (false, format!("__Host-hookshelf_session={id}")),
            (true, format!("hookshelf_session={id}")),
        ] {
            assert_eq!(read(is_https, &[&line]), None, "{line}");
        }
    }
}
