//! `[http]`: the public listener, which serves the callback URL and nothing else.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;
use url::{Host, Url};

use super::print::Printer;
use super::reader::Reader;

const LARGEST_BODY_BYTES: u64 = 64 * 1024 * 1024;
const LARGEST_BUDGET_BYTES: u64 = 16 * 1024 * 1024 * 1024;

/// Expected form of a listen address.
pub(super) const ADDRESS: &str = "an address and a port, such as 127.0.0.1:8080 or [::]:8080";

/// The public listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    /// Listen address.
    pub listen: SocketAddr,
    /// Public URL for Meta.
    pub public_url: Option<PublicUrl>,
    /// Networks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// A larger body is refused with 413.
    pub max_body_bytes: usize,
    /// Bytes of all bodies in flight together; beyond it 503.
    pub body_budget_bytes: usize,
    /// Connections open at the same time.
    pub max_connections: usize,
    /// Timeout for request headers; also the idle timeout of a kept connection.
    pub header_timeout: Duration,
    /// Timeout for a request body; a slower body gets 408.
    pub body_timeout: Duration,
}

impl Http {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let listen = reader.parsed("listen", ADDRESS);
        let public_url = reader.optional("public_url", PublicUrl::ALLOWED, PublicUrl::parse);
        let proxies = "addresses and networks, such as 10.0.0.1 or 10.0.0.0/8";
        let trusted_proxies = reader.list("trusted_proxies", proxies, network);
        let max_body_bytes = reader.number("max_body_bytes", 1024..=LARGEST_BODY_BYTES);
        let body_budget_bytes = reader.number("body_budget_bytes", 1024..=LARGEST_BUDGET_BYTES);
        let max_connections = reader.number("max_connections", 1..=65_536);
        let header_timeout = reader.number("header_timeout_seconds", 1..=300);
        let body_timeout = reader.number("body_timeout_seconds", 1..=300);
        if max_body_bytes > body_budget_bytes && body_budget_bytes.is_some() {
            let problem = "is less than http.max_body_bytes, so a large body never fits";
            let fault = reader.fault("body_budget_bytes", problem);
            reader.note(fault.allowed("at least http.max_body_bytes"));
        }
        Some(Self {
            listen: listen?,
            public_url,
            trusted_proxies,
            max_body_bytes: max_body_bytes?,
            body_budget_bytes: body_budget_bytes?,
            max_connections: max_connections?,
            header_timeout: Duration::from_secs(header_timeout?),
            body_timeout: Duration::from_secs(body_timeout?),
        })
    }

    /// True if a request to `url` comes to the webhook of this listener.
    pub fn is_own_webhook(&self, url: &Url) -> bool {
        let origin = url.origin().ascii_serialization();
        let is_public = |public: &PublicUrl| public.0 == origin;
        let local = reachable(self.listen);
        let is_local = url.port_or_known_default() == Some(local.port())
            && match url.host() {
                Some(Host::Domain(name)) => name == "localhost" && local.ip().is_loopback(),
                Some(Host::Ipv4(v4)) => local.ip() == v4,
                Some(Host::Ipv6(v6)) => local.ip() == v6,
                None => false,
            };
        let is_webhook = url.path() == "/webhook" || url.path().starts_with("/webhook/");
        is_webhook && (is_local || self.public_url.as_ref().is_some_and(is_public))
    }

    pub(super) fn print(&self, out: &mut Printer) {
        out.section("http");
        out.text("listen", self.listen);
        out.optional("public_url", self.public_url.as_ref());
        out.list("trusted_proxies", &self.trusted_proxies);
        out.plain("max_body_bytes", self.max_body_bytes);
        out.plain("body_budget_bytes", self.body_budget_bytes);
        out.plain("max_connections", self.max_connections);
        out.plain("header_timeout_seconds", self.header_timeout.as_secs());
        out.plain("body_timeout_seconds", self.body_timeout.as_secs());
    }
}

/// The scheme, host and port under which Meta reaches the public listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(String);

impl PublicUrl {
    const ALLOWED: &str = "https:// and a host, without a user, path or query";

    /// The public URL that this text is, if it is one.
    pub fn parse(text: &str) -> Option<Self> {
        origin(text, &["https"]).map(Self)
    }

    /// The callback URL whose path is `path`, which starts with a slash.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A URL of one of `schemes` with nothing behind the host and port, in the form without a trailing
/// slash, to which a path is added.
pub(super) fn origin(text: &str, schemes: &[&str]) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let bare = url.username().is_empty() && url.password().is_none() && url.path() == "/";
    let plain = bare && url.query().is_none() && url.fragment().is_none();
    (plain && schemes.contains(&url.scheme())).then(|| url.origin().ascii_serialization())
}

/// Local address of a listener on `listen`, for processes on this machine.
pub fn reachable(listen: SocketAddr) -> SocketAddr {
    let here = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(here, listen.port())
}

/// A network, or an address as the network of itself.
fn network(text: &str) -> Option<IpNet> {
    let address = || text.parse::<IpAddr>().ok().map(IpNet::from);
    text.parse().ok().or_else(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_https_and_bare() {
        for good in ["https://hooks.example.org", "https://hooks.example.org/"] {
            let url = PublicUrl::parse(good).unwrap();
            assert_eq!(url.join("/webhook"), "https://hooks.example.org/webhook");
        }
        let with_port = "https://[2001:db8::1]:8443";
        assert_eq!(PublicUrl::parse(with_port).unwrap().to_string(), with_port);
        for bad in [
            "http://hooks.example.org",
            "hooks.example.org",
            "https://hooks.example.org/webhook",
            "https://hooks.example.org/?a=b",
            "https://hooks.example.org/#a",
            "https://a:b@hooks.example.org",
            "https://",
            "",
        ] {
            assert_eq!(PublicUrl::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_listener_on_all_addresses_is_reached_on_this_machine() {
        for (listens, reached) in [
            ("0.0.0.0:8080", "127.0.0.1:8080"),
            ("[::]:8080", "[::1]:8080"),
            ("192.0.2.7:80", "192.0.2.7:80"),
        ] {
            assert_eq!(reachable(listens.parse().unwrap()).to_string(), reached);
        }
    }

    #[test]
    fn the_own_webhook_is_known_by_its_public_and_its_local_address() {
        let http = Http {
            listen: "0.0.0.0:8080".parse().unwrap(),
            public_url: PublicUrl::parse("https://hooks.example.org"),
            trusted_proxies: Vec::new(),
            max_body_bytes: 0,
            body_budget_bytes: 0,
            max_connections: 0,
            header_timeout: Duration::ZERO,
            body_timeout: Duration::ZERO,
        };
        for (url, is_own) in [
            ("https://hooks.example.org/webhook", true),
            ("https://hooks.example.org/webhook/shop", true),
            ("http://127.0.0.1:8080/webhook/", true),
            ("http://localhost:8080/webhook", true),
            ("https://hooks.example.org/webhooks/instagram", false),
            ("https://hooks.example.org:8443/webhook", false),
            ("http://127.0.0.1:3000/webhook", false),
            ("https://chatwoot.example.org/webhook", false),
        ] {
            let url = Url::parse(url).unwrap();
            assert_eq!(http.is_own_webhook(&url), is_own, "{url}");
        }
    }

    #[test]
    fn an_address_is_the_network_of_itself() {
        for (text, read) in [
            ("10.1.2.3", "10.1.2.3/32"),
            ("2001:db8::1", "2001:db8::1/128"),
            ("10.0.0.0/8", "10.0.0.0/8"),
        ] {
            assert_eq!(network(text).unwrap().to_string(), read);
        }
        assert_eq!(["10.0.0.0/33", "proxy.example.org"].map(network), [None; 2]);
    }
}
