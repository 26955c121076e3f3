//! Check of the header `Host`, against DNS rebinding: a page of another site, whose name resolves to
//! this machine, sends that name.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, header};

/// Names that always reach the listener on this machine.
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Hosts under which the listener answers.
#[derive(Debug)]
pub(super) struct Hosts {
    names: Vec<String>,
    /// The listener has every address of the machine, so each may be the host. An address is not
    /// resolved, so no other site can have it.
    any_address: bool,
}

impl Hosts {
    /// The local names, the listener's own address, and `names`.
    pub(super) fn new(address: SocketAddr, names: &[String]) -> Self {
        let own = match address {
            SocketAddr::V4(v4) => v4.ip().to_string(),
            SocketAddr::V6(v6) => format!("[{}]", v6.ip()),
        };
        let local = LOCAL.map(str::to_owned).into_iter();
        Self {
            names: local.chain([own]).chain(names.iter().cloned()).collect(),
            any_address: address.ip().is_unspecified(),
        }
    }

    /// True if the request is for one of the hosts. Its port may be that of a proxy or a tunnel.
    pub(super) fn contain(&self, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else {
            return false;
        };
        let host = host.to_str().unwrap_or_default();
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        };
        let bare = name.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        let is_address = bare.unwrap_or(name).parse::<IpAddr>().is_ok();
        (self.any_address && is_address)
            || self
                .names
                .iter()
                .any(|known| known.eq_ignore_ascii_case(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_names_are_answered() {
        let hosts = Hosts::new("10.1.2.3:9090".parse().unwrap(), &["shelf.internal".into()]);
        let answered = |host: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            hosts.contain(&headers)
        };
        let known = [
            "localhost:9090",
            "[::1]",
            "[::1]:9090",
            "10.1.2.3",
            "SHELF.internal:443",
        ];
        assert!(known.into_iter().all(answered));
        let unknown = [
            "",
            "evil.example",
            "localhost.evil.example:9090",
            "[::2]:9090",
            "::1",
        ];
        assert!(!unknown.into_iter().any(answered));
        assert!(!hosts.contain(&HeaderMap::new()));
    }

    #[test]
    fn a_listener_on_every_address_answers_to_each() {
        let hosts = Hosts::new("0.0.0.0:9090".parse().unwrap(), &[]);
        let answered = |host: &str| {
            let headers = HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]);
            hosts.contain(&headers)
        };
        assert!(answered("10.1.2.3:9090") && answered("[2001:db8::1]:9090"));
        assert!(!answered("evil.example:9090"));
    }
}
