//! The API of a server at a URL.

use std::{fmt, net::IpAddr, time::Duration};

use anyhow::{Context, anyhow};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::{
    Request, Response,
    header::{self, HeaderValue},
};
use reqwest::{Client, redirect};
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use super::Body;
use crate::causes;

/// Timeout for connecting.
const CONNECTING: Duration = Duration::from_secs(10);

/// Timeout for the next bytes: a statement may take 30 s, and a stream sends something every 15 s.
const READING: Duration = Duration::from_mins(1);

/// Beginning of the paths of the API.
const ROUTES: &str = "/v1/";

/// Message for an unusable URL.
const ALLOWED: &str = "allowed: the address of an admin listener, such as http://127.0.0.1:9090 or \
    https://shelf.example.com";

/// Address of a server.
#[derive(Clone, Debug)]
pub(super) struct Address(Url);

impl Address {
    /// Reads an address. Without TLS, everyone on the way would read the token and the messages, so
    /// plain HTTP is for this machine only.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|_| ALLOWED.to_owned())?;
        let is_bare = url.query().is_none() && url.fragment().is_none();
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !is_bare {
            return Err(ALLOWED.to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            let where_else = "put the token into HOOKSHELF_TOKEN or --token-file, not into the URL";
            return Err(where_else.to_owned());
        }
        if url.scheme() == "http" && !is_loopback(&url) {
            let host = url.host_str().unwrap_or_default();
            return Err(format!(
                "plain HTTP to {host} would show the token and the messages to everyone on the \
                 way: use https, or a tunnel such as `ssh -L 9090:127.0.0.1:9090 {host}` with \
                 http://127.0.0.1:9090"
            ));
        }
        Ok(Self(url))
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(v4)) => v4.is_loopback(),
        Some(Host::Ipv6(v6)) => IpAddr::V6(v6).to_canonical().is_loopback(),
        None => false,
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

/// A server, and the token for it.
#[derive(Debug)]
pub(in crate::cli) struct Remote {
    client: Client,
    address: Address,
    token: Option<HeaderValue>,
}

impl Remote {
    pub(super) fn new(address: Address, token: Option<&SecretString>) -> anyhow::Result<Self> {
        let client = Client::builder()
            .connect_timeout(CONNECTING)
            .read_timeout(READING)
            .redirect(redirect::Policy::none())
            .user_agent(concat!("hookshelf/", env!("CARGO_PKG_VERSION")));
        // A proxy between this machine and itself would see plain HTTP.
        let client = if is_loopback(&address.0) {
            client.no_proxy()
        } else {
            client
        };
        let client = client
            .build()
            .context("failed to read the certificate authorities: install ca-certificates")?;
        Ok(Self {
            client,
            address,
            token: token.map(bearer).transpose()?,
        })
    }

    pub(super) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// A path in an answer without the path of the address, to which requests add it.
    pub(super) fn own_path<'p>(&self, path: &'p str) -> &'p str {
        let base = self.address.0.path().trim_end_matches('/');
        let rest = path.strip_prefix(base);
        rest.filter(|rest| rest.starts_with(ROUTES)).unwrap_or(path)
    }

    pub(super) async fn send(&self, request: Request<Bytes>) -> anyhow::Result<Response<Body>> {
        let (head, body) = request.into_parts();
        let url = format!("{}{}", self.address, head.uri);
        let mut request = self.client.request(head.method, url);
        request = request.headers(head.headers).body(body);
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, token);
        }
        let answer = request
            .send()
            .await
            .map_err(|error| self.unreached(error))?;
        let answer = Response::<reqwest::Body>::from(answer);
        let cut = format!("the connection to {} broke", self.address);
        Ok(answer.map(|body| {
            let body = body.map_err(move |error| anyhow!("{cut}: {}", said(error)));
            body.boxed_unsync()
        }))
    }

    /// Error for a server that did not answer.
    fn unreached(&self, error: reqwest::Error) -> anyhow::Error {
        let address = &self.address;
        if error.is_timeout() {
            return anyhow!("the server at {address} does not answer in time; see its log");
        }
        anyhow!(
            "no server answers at {address}: start it with `hookshelf serve`, or correct --url: {}",
            said(error)
        )
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server at {}", self.address)
    }
}

fn bearer(token: &SecretString) -> anyhow::Result<HeaderValue> {
    let value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()));
    let mut value = value.map_err(|_| {
        anyhow!(
            "the token has characters that no token has: copy the line of `hookshelf token new`"
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// Cause of an error, without the URL.
fn said(error: reqwest::Error) -> String {
    let error = error.without_url();
    let below = causes::below(&error);
    if below.is_empty() {
        error.to_string()
    } else {
        below
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine() {
        for fine in [
            "http://localhost:9090",
            "http://127.0.0.1:9090/",
            "http://[::1]:9090",
            "https://shelf.example.com/hookshelf/",
        ] {
            assert!(Address::parse(fine).is_ok(), "{fine}");
        }
        for (refused, part) in [
            (
                "http://10.1.2.3:9090",
                "ssh -L 9090:127.0.0.1:9090 10.1.2.3",
            ),
            ("http://localhost.evil.example", "use https"),
            ("127.0.0.1:9090", "http://127.0.0.1:9090"),
            ("ftp://localhost", "http://127.0.0.1:9090"),
            ("https://shelf.example.com?a=b", "http://127.0.0.1:9090"),
            ("https://hsk_secret@shelf.example.com", "HOOKSHELF_TOKEN"),
        ] {
            let said = Address::parse(refused).err().unwrap();
            assert!(said.contains(part) && !said.contains("hsk_"), "{said}");
        }
    }

    #[test]
    fn a_path_of_an_answer_loses_the_path_of_the_address_once() {
        for (address, path, own) in [
            (
                "http://localhost/hookshelf",
                "/hookshelf/v1/events",
                "/v1/events",
            ),
            (
                "http://localhost/hookshelf/",
                "/hookshelf/v1/events",
                "/v1/events",
            ),
            // The proxy removes its path, and the server does not know it.
            ("http://localhost/hookshelf", "/v1/events", "/v1/events"),
            ("http://localhost/v1", "/v1/events", "/v1/events"),
            ("http://localhost", "/v1/events?a=b", "/v1/events?a=b"),
        ] {
            let address = Address::parse(address).unwrap();
            let remote = Remote::new(address, None).unwrap();
            assert_eq!(remote.own_path(path), own, "{remote}");
        }
    }

    #[test]
    fn an_address_may_have_a_path_and_its_token_does_not_print() {
        let address = Address::parse("https://shelf.example.com/hookshelf/").unwrap();
        assert_eq!(address.to_string(), "https://shelf.example.com/hookshelf");
        let token = SecretString::from("hsk_secret".to_owned());
        let remote = Remote::new(address, Some(&token)).unwrap();
        assert!(!format!("{remote:?}").contains("secret"));
        assert!(bearer(&"a\nb".into()).is_err());
    }
}
