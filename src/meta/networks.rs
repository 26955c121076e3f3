//! Networks: prefixes that count as one sender, and Meta's own networks.
//!
//! The network of a sender proves nothing: only the signature authenticates a delivery. It decides
//! only the shares of bounded resources.

use std::{net::IpAddr, sync::LazyLock};

use ipnet::IpNet;

/// Prefix lengths that count as one network: the usual allocation of one owner.
const PREFIX_V4: u8 = 24;
const PREFIX_V6: u8 = 48;

/// Networks announced by Meta (AS32934), merged if adjacent. Meta documents the query `whois -h
/// whois.radb.net -- '-i origin AS32934'`, and says that the networks change often. A new network
/// that is missing here is treated like any other.
const METAS: [&str; 25] = [
    "31.13.24.0/21",
    "31.13.64.0/18",
    "45.64.40.0/22",
    "57.141.0.0/16",
    "57.144.0.0/14",
    "66.220.144.0/20",
    "69.63.176.0/20",
    "69.171.224.0/19",
    "74.119.76.0/22",
    "102.132.96.0/19",
    "102.221.188.0/22",
    "103.4.96.0/22",
    "129.134.0.0/16",
    "157.240.0.0/16",
    "163.70.128.0/17",
    "173.252.64.0/18",
    "179.60.192.0/22",
    "185.60.216.0/22",
    "185.89.216.0/22",
    "199.201.64.0/22",
    "204.15.20.0/22",
    "2401:db00::/32",
    "2620:0:1c00::/40",
    "2803:6080::/32",
    "2a03:2880::/29",
];

static PARSED: LazyLock<Vec<IpNet>> =
    LazyLock::new(|| METAS.iter().filter_map(|net| net.parse().ok()).collect());

/// Network of `address`.
pub fn network(address: IpAddr) -> Option<IpNet> {
    let bits = if address.is_ipv4() {
        PREFIX_V4
    } else {
        PREFIX_V6
    };
    IpNet::new(address, bits).ok().map(|net| net.trunc())
}

/// True if `network` belongs to Meta.
pub fn is_metas(network: &IpNet) -> bool {
    PARSED.iter().any(|metas| metas.contains(network))
}

/// True if the network of `address` is loopback or private, as only a local proxy's is.
pub fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_private(),
        // The network of the loopback address begins with the unspecified one.
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unspecified() || address.is_unique_local()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_of_meta(address: &str) -> bool {
        is_metas(&network(address.parse().unwrap()).unwrap())
    }

    #[test]
    fn every_network_of_meta_is_one_and_no_smaller_than_what_counts_as_one() {
        assert_eq!(PARSED.len(), METAS.len());
        for net in &*PARSED {
            assert_eq!(net, &net.trunc());
            let one = network(net.addr()).unwrap();
            assert!(net.contains(&one), "{net}");
        }
    }

    #[test]
    fn a_proxy_of_ones_own_may_have_passed_metas_deliveries_on() {
        let is_private = |address: &str| {
            let network = network(address.parse().unwrap());
            super::is_private(network.unwrap().addr())
        };
        assert!(
            ["127.0.0.1", "10.1.2.3", "172.18.0.2", "::1", "fd00::1"].map(is_private) == [true; 5]
        );
        assert!(!is_private("198.51.100.7") && !is_private("2001:db8::1"));
    }

    #[test]
    fn addresses_that_meta_was_seen_with_are_metas_and_others_not() {
        for address in [
            "66.220.149.19",
            "173.252.95.16",
            "173.252.107.25",
            "69.171.234.13",
            "69.171.251.1",
            "2a03:2880:10ff::",
        ] {
            assert!(is_of_meta(address), "{address}");
        }
        for address in ["127.0.0.1", "198.51.100.7", "2001:db8::1", "66.220.160.1"] {
            assert!(!is_of_meta(address), "{address}");
        }
    }
}
