//! DNS check of the public URL's host name.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use tokio::{net::lookup_host, time::timeout};
use url::Url;

use super::finding::{Check, Finding};
use crate::config::Reach;

/// Deadline for DNS resolution.
const DEADLINE: Duration = Duration::from_secs(6);

/// Caveat of every good finding of this check.
const NO_PROOF: &str = "seen from this machine; Meta may see another name server or firewall, and \
    only the check `callback` proves that Meta reaches the server";

pub(super) async fn resolve(url: &Url) -> Result<Finding, Finding> {
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or(443);
    let name = host.trim_matches(['[', ']']);
    let found = timeout(DEADLINE, lookup_host((name, port))).await;
    let problem = match found {
        Ok(Ok(found)) => {
            let addresses: Vec<_> = found.map(|it: SocketAddr| it.ip()).collect();
            if !addresses.is_empty() {
                return Ok(told(host, &addresses));
            }
            "it has no address".to_owned()
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => "no name server answers in time".to_owned(),
    };
    let found = format!("{host} does not resolve: {problem}");
    Err(Finding::wrong(Check::PublicUrl, found)
        .means("Meta cannot find the server")
        .remedy("add the name to your DNS, or correct http.public_url"))
}

fn told(host: &str, addresses: &[IpAddr]) -> Finding {
    let mut shown: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    shown.dedup();
    let found = format!("{host} resolves to {}", shown.join(", "));
    if addresses.iter().any(|address| is_public(*address)) {
        return Finding::ok(Check::PublicUrl, found).means(NO_PROOF);
    }
    let found = format!("{found}, which only a private network reaches");
    Finding::warning(Check::PublicUrl, found)
        .means("Meta cannot reach such an address; other name servers may tell it another one")
        .remedy("ask a public name server, and give the name a public address")
}

fn is_public(address: IpAddr) -> bool {
    Reach::Public.check(address).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_told_from_public_ones() {
        let public = |text: &str| is_public(text.parse().unwrap());
        for address in ["8.8.8.8", "100.128.0.1", "2a03:2880:10ff::1"] {
            assert!(public(address), "{address}");
        }
        let private = "127.0.0.1 10.1.2.3 192.168.1.1 169.254.1.1 100.64.0.1 0.0.0.0 ::1 fd00::1 \
                       fe80::1 ::ffff:10.0.0.1";
        for address in private.split(' ') {
            assert!(!public(address), "{address}");
        }
    }
}
