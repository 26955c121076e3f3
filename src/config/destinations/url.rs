//! URL of a destination.
//!
//! The client resolves a name and checks its addresses, but connects to an address in a URL
//! without a look-up. So an address is checked here, and a request needs a checked URL.

use std::{fmt, net::IpAddr};

use hyper::Uri;
use url::{Host, ParseError, Url};

use super::{
    super::print::REDACTED,
    reach::{Forbidden, Reach},
};

/// A checked URL, with the reach it was checked for. Path and query may contain a secret, so that
/// `Debug` shows neither of them.
#[derive(Clone, PartialEq, Eq)]
pub struct DestinationUrl {
    url: Url,
    reach: Reach,
}

/// Reason to refuse a URL, without its text, which may contain a password.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUrl {
    /// Not a URL.
    #[error("not a URL; write https://, a host and a path")]
    Malformed(#[source] ParseError),
    /// Neither http nor https.
    #[error("not a URL of http or https; begin with https://")]
    Scheme,
    /// Plain http with a public reach.
    #[error(
        "http sends events unencrypted; use https, or set reach = \"private\" for a receiver in \
         your own network"
    )]
    Unencrypted,
    /// User name or password.
    #[error("user name or password in the URL; remove them, and set the header in `headers`")]
    Credentials,
    /// Fragment.
    #[error("fragment in the URL; remove the `#` and the text after it, which is never sent")]
    Fragment,
    /// A character that a request line cannot hold.
    #[error("character that HTTP does not allow in a URL; percent-encode it, or correct the host")]
    Character,
    /// An address that the reach does not include.
    #[error("forbidden address {address}")]
    Address {
        /// Address in the URL.
        address: IpAddr,
        /// Reason.
        #[source]
        reason: Forbidden,
    },
}

impl DestinationUrl {
    /// Parses and checks a URL.
    ///
    /// # Errors
    ///
    /// The first problem of the URL, with the remedy.
    pub fn parse(text: &str, reach: Reach) -> Result<Self, InvalidUrl> {
        let url = Url::parse(text).map_err(InvalidUrl::Malformed)?;
        check_scheme(&url, reach)?;
        check_parts(&url)?;
        check_host(&url, reach)?;
        Ok(Self { url, reach })
    }

    /// The reach for which the URL was checked.
    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// The URL.
    pub fn url(&self) -> &Url {
        &self.url
    }
}

fn check_scheme(url: &Url, reach: Reach) -> Result<(), InvalidUrl> {
    match (url.scheme(), reach) {
        ("https", _) | ("http", Reach::Private) => Ok(()),
        ("http", Reach::Public) => Err(InvalidUrl::Unencrypted),
        _ => Err(InvalidUrl::Scheme),
    }
}

fn check_parts(url: &Url) -> Result<(), InvalidUrl> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err(InvalidUrl::Credentials);
    }
    if url.fragment().is_some() {
        return Err(InvalidUrl::Fragment);
    }
    if Uri::try_from(url.as_str()).is_err() {
        return Err(InvalidUrl::Character);
    }
    Ok(())
}

fn check_host(url: &Url, reach: Reach) -> Result<(), InvalidUrl> {
    let address: IpAddr = match url.host() {
        Some(Host::Ipv4(v4)) => v4.into(),
        Some(Host::Ipv6(v6)) => v6.into(),
        Some(Host::Domain(_)) | None => return Ok(()),
    };
    let checked = reach.check(address);
    checked.map_err(|reason| InvalidUrl::Address { address, reason })
}

/// Shows neither path nor query.
impl fmt::Display for DestinationUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = self.url.origin().ascii_serialization();
        let is_bare = self.url.path() == "/" && self.url.query().is_none();
        write!(f, "{origin}/{}", if is_bare { "" } else { REDACTED })
    }
}

impl fmt::Debug for DestinationUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = self.url.origin().ascii_serialization();
        write!(f, "DestinationUrl({origin}/…, {:?})", self.reach)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused(text: &str, reach: Reach) -> InvalidUrl {
        DestinationUrl::parse(text, reach).expect_err(text)
    }

    #[test]
    fn usual_urls_are_accepted() {
        let public = "https://example.com https://example.com:8443/a/b?token=c%20d&e=[f|g] \
            https://bücher.example/ https://8.8.8.8/a https://[2606:4700::1111]/a";
        for text in public.split_whitespace() {
            for reach in [Reach::Public, Reach::Private] {
                let url = DestinationUrl::parse(text, reach).expect(text);
                assert_eq!(url.reach(), reach);
            }
        }
        let private = "http://chatwoot:3000/webhooks/instagram http://n8n_1/ http://127.0.0.1:5678 \
            http://[::1]:80/ https://10.0.0.7/ http://localhost http://example.com/";
        for text in private.split_whitespace() {
            DestinationUrl::parse(text, Reach::Private).expect(text);
        }
    }

    #[test]
    fn other_schemes_and_texts_are_refused() {
        let others = "ftp://example.com/ chatwoot:3000/a file:///etc/passwd data:,a";
        let malformed = [
            "",
            "example.com/a",
            "https://",
            "https://a b/",
            "https://[::1%251]/",
        ];
        for reach in [Reach::Public, Reach::Private] {
            for text in others.split(' ') {
                assert_eq!(refused(text, reach), InvalidUrl::Scheme, "{text}");
            }
            for text in malformed {
                let found = refused(text, reach);
                assert!(matches!(found, InvalidUrl::Malformed(_)), "{text}: {found}");
            }
        }
        let found = refused("http://example.com/", Reach::Public);
        assert_eq!(found, InvalidUrl::Unencrypted);
    }

    #[test]
    fn credentials_fragments_and_characters_that_cannot_be_sent_are_refused() {
        let found = |text| refused(text, Reach::Private);
        for text in ["https://a@b/", "https://a:b@c/", "https://:b@c/"] {
            assert_eq!(found(text), InvalidUrl::Credentials, "{text}");
        }
        for text in ["https://a/#b", "https://a/#"] {
            assert_eq!(found(text), InvalidUrl::Fragment, "{text}");
        }
        assert_eq!(found("https://a{b}c/"), InvalidUrl::Character);
    }

    #[test]
    fn an_address_is_checked_in_each_spelling() {
        let reason = |host, reach| match refused(&format!("https://{host}:443/a"), reach) {
            InvalidUrl::Address { reason, .. } => reason,
            other => panic!("{host}: {other}"),
        };
        let loopback = "127.0.0.1 127.1 2130706433 0x7f.1 0177.0.0.1 0x7f000001 127.0.0.1. \
            １２７.0.0.1 [::1] [::ffff:127.0.0.1] [0:0:0:0:0:ffff:7f00:1] [64:ff9b::7f00:1] 0 [::]";
        for host in loopback.split_whitespace() {
            let found = reason(host, Reach::Public);
            assert_eq!(found, Forbidden::NonPublic, "{host}");
        }
        let metadata = "169.254.169.254 2852039166 0xa9.254.0251.254 [::ffff:169.254.169.254] \
            [fd00:ec2::254] [64:ff9b::a9fe:a9fe]";
        for host in metadata.split_whitespace() {
            let found = reason(host, Reach::Private);
            assert_eq!(found, Forbidden::Metadata, "{host}");
        }
    }

    proptest! {
        /// As the connector reads the host: without brackets, and as the standard library does.
        #[test]
        fn the_client_connects_to_no_address_that_was_taken_for_a_name(
            host in "[0-9a-fxX.:%\\[\\]]{1,24}",
        ) {
            if let Ok(url) = DestinationUrl::parse(&format!("https://{host}/"), Reach::Private) {
                let uri = Uri::try_from(url.url().as_str()).unwrap();
                let host = uri.host().unwrap().trim_matches(['[', ']']);
                let is_name = matches!(url.url().host(), Some(Host::Domain(_)));
                prop_assert!(!is_name || host.parse::<IpAddr>().is_err());
            }
        }
    }

    #[test]
    fn debug_output_shows_neither_path_nor_query() {
        let text = "https://hooks.example:8443/services/T0/secret?token=secret";
        let url = DestinationUrl::parse(text, Reach::Public).unwrap();
        assert_eq!(
            format!("{url:?}"),
            "DestinationUrl(https://hooks.example:8443/…, Public)"
        );
    }
}
