//! The address and the scheme of a client, as far as the proxies in front can be trusted.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use ipnet::IpNet;

const FORWARDED_FOR: &str = "x-forwarded-for";

const FORWARDED_PROTO: &str = "x-forwarded-proto";

/// True if `peer` is one of the `trusted` proxies.
pub(super) fn is_trusted(peer: IpAddr, trusted: &[IpNet]) -> bool {
    let peer = peer.to_canonical();
    trusted.iter().any(|net| net.contains(&peer))
}

/// True if the client uses https, as the trusted proxy that is the peer tells. Of several proxies,
/// the first one talks to the client.
pub(super) fn is_https(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> bool {
    let told = headers.get(FORWARDED_PROTO).and_then(|it| it.to_str().ok());
    let first = told.and_then(|told| told.split(',').next());
    is_trusted(peer, trusted)
        && first.is_some_and(|first| first.trim().eq_ignore_ascii_case("https"))
}

/// Address of the sender: the peer, or, if the peer is a trusted proxy, the first untrusted address
/// in `X-Forwarded-For`, read from the right.
///
/// Addresses further left may be forged and are ignored. An invalid address ends the search at the
/// proxy that passed it on.
pub(super) fn sender(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let mut nearest = peer.to_canonical();
    for hop in hops(headers) {
        if !is_trusted(nearest, trusted) {
            break;
        }
        match hop {
            Some(address) => nearest = address,
            None => break,
        }
    }
    nearest
}

/// The hops from the right; `None` for an invalid address.
fn hops(headers: &HeaderMap) -> impl Iterator<Item = Option<IpAddr>> {
    let lines = headers.get_all(FORWARDED_FOR).iter().rev();
    lines.flat_map(|line| {
        let text = line.to_str().unwrap_or_default();
        text.rsplit(',').map(|hop| address(hop.trim()))
    })
}

/// Parses an address, also with a port or in brackets.
fn address(hop: &str) -> Option<IpAddr> {
    let bare = hop.trim_start_matches('[').trim_end_matches(']');
    let with_port = || hop.parse::<SocketAddr>().map(|address| address.ip());
    let address = bare.parse().or_else(|_| with_port()).ok()?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent_by(peer: &str, lines: &[&str]) -> String {
        let trusted = ["10.0.0.0/8", "fd00::/8"].map(|net| net.parse().unwrap());
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, line.parse().unwrap());
        }
        sender(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn only_a_trusted_proxy_tells_the_scheme() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let is_https = |peer: &str, told: &str| {
            let headers = HeaderMap::from_iter([(
                axum::http::HeaderName::from_static(FORWARDED_PROTO),
                told.parse().unwrap(),
            )]);
            super::is_https(peer.parse().unwrap(), &headers, &trusted)
        };
        for told in ["https", "HTTPS", "https, http"] {
            assert!(is_https("10.1.2.3", told), "{told}");
            assert!(is_https("::ffff:10.1.2.3", told), "{told}");
            assert!(!is_https("203.0.113.7", told), "{told}");
        }
        for told in ["", "http", "http, https", "wss"] {
            assert!(!is_https("10.1.2.3", told), "{told}");
        }
    }

    #[test]
    fn a_stranger_is_not_believed() {
        assert_eq!(sent_by("203.0.113.7", &["198.51.100.1"]), "203.0.113.7");
    }

    #[test]
    fn a_trusted_proxy_says_who_it_was() {
        assert_eq!(sent_by("10.1.2.3", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(
            sent_by("::ffff:10.1.2.3", &["::ffff:198.51.100.1"]),
            "198.51.100.1"
        );
        assert_eq!(sent_by("fd00::1", &["[2001:db8::5]:443"]), "2001:db8::5");
        assert_eq!(sent_by("10.1.2.3", &["198.51.100.1:5000"]), "198.51.100.1");
    }

    #[test]
    fn the_walk_passes_trusted_hops_and_ends_at_the_first_stranger() {
        assert_eq!(
            sent_by("10.1.2.3", &["1.1.1.1, 198.51.100.1, 10.9.9.9"]),
            "198.51.100.1"
        );
        assert_eq!(
            sent_by("10.1.2.3", &["1.1.1.1", "198.51.100.1", "10.9.9.9"]),
            "198.51.100.1"
        );
        assert_eq!(sent_by("10.1.2.3", &["10.0.0.1,10.0.0.2"]), "10.0.0.1");
    }

    #[test]
    fn garbage_ends_the_walk_at_who_passed_it_on() {
        assert_eq!(sent_by("10.1.2.3", &[""]), "10.1.2.3");
        assert_eq!(sent_by("10.1.2.3", &["198.51.100.1, unknown"]), "10.1.2.3");
        assert_eq!(
            sent_by("10.1.2.3", &["198.51.100.1, nobody, 10.9.9.9"]),
            "10.9.9.9"
        );
    }
}
