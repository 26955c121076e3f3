//! Addresses that a destination may have.
//!
//! Without this check, a DNS answer could lead events and requests into the operator's network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::vocabulary::spelled;

spelled! {
    /// Networks that a destination may be in: `reach` in the configuration.
    pub enum Reach {
        /// The public internet, over https.
        Public = "public",
        /// Any network except metadata services, also over http.
        Private = "private",
    }
}

/// Reason to refuse an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    /// The address is not public.
    #[error("not a public address; set reach = \"private\" for a receiver in your own network")]
    NonPublic,
    /// The address is link-local or belongs to a metadata service.
    #[error("a link-local address or a metadata service, to which Hookshelf sends nothing")]
    Metadata,
}

impl Reach {
    /// Checks that a destination of this reach may have the address.
    ///
    /// # Errors
    ///
    /// The reason if it may not.
    pub fn check(self, address: IpAddr) -> Result<(), Forbidden> {
        let address = embedded(address);
        let is_in = |networks: &[IpNet]| networks.iter().any(|it| it.contains(&address));
        if is_in(METADATA) {
            return Err(Forbidden::Metadata);
        }
        if self == Self::Public && is_in(NON_PUBLIC) {
            return Err(Forbidden::NonPublic);
        }
        Ok(())
    }
}

/// The IPv4 address inside an IPv6 address that a relay or translator connects to, or else the
/// address itself.
fn embedded(address: IpAddr) -> IpAddr {
    let v6 = match address.to_canonical() {
        IpAddr::V6(v6) => v6,
        v4 @ IpAddr::V4(_) => return v4,
    };
    match v6.segments() {
        // 6to4, NAT64, and IPv4-compatible addresses, in this order.
        [0x2002, high, low, ..]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0, 0, 0, 0, 0, 0, high, low] => {
            Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low)).into()
        }
        _ => v6.into(),
    }
}

/// Link-local networks, where most clouds have their metadata service, and other addresses of such
/// services. They hand out the credentials of the machine to every program that asks.
const METADATA: &[IpNet] = &[
    v4([169, 254, 0, 0], 16),
    v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10),
    // Alibaba Cloud
    v4([100, 100, 100, 200], 32),
    v6([0xfd00, 0x100, 0, 0, 0, 0, 0x100, 0x200], 128),
    // Azure, where this public address leads to the host of the machine
    v4([168, 63, 129, 16], 32),
    // Oracle Cloud
    v4([192, 0, 0, 192], 32),
    v6([0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe], 128),
    // AWS, with the credentials of EKS
    v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0], 32),
    // Google Cloud
    v6([0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254], 128),
    // Scaleway
    v6([0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42], 128),
    // Akamai
    v6([0xfd00, 0xa9fe, 0xa9fe, 0, 0, 0, 0, 1], 128),
];

/// Special-purpose networks of the IANA registries.
const NON_PUBLIC: &[IpNet] = &[
    // This host
    v4([0, 0, 0, 0], 8),
    // Private
    v4([10, 0, 0, 0], 8),
    v4([172, 16, 0, 0], 12),
    v4([192, 168, 0, 0], 16),
    // Shared by the customers of a provider
    v4([100, 64, 0, 0], 10),
    // Loopback
    v4([127, 0, 0, 0], 8),
    // Protocol assignments, and relays of 6to4
    v4([192, 0, 0, 0], 24),
    v4([192, 88, 99, 0], 24),
    // Documentation
    v4([192, 0, 2, 0], 24),
    v4([198, 51, 100, 0], 24),
    v4([203, 0, 113, 0], 24),
    // Benchmarks
    v4([198, 18, 0, 0], 15),
    // Multicast; reserved, with broadcast
    v4([224, 0, 0, 0], 4),
    v4([240, 0, 0, 0], 4),
    // All of IPv6 outside 2000::/3, from which public addresses are assigned
    v6([0, 0, 0, 0, 0, 0, 0, 0], 3),
    v6([0x4000, 0, 0, 0, 0, 0, 0, 0], 2),
    v6([0x8000, 0, 0, 0, 0, 0, 0, 0], 1),
    // Protocol assignments, with Teredo
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    // Documentation
    v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
    v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
];

const fn v4([a, b, c, d]: [u8; 4], length: u8) -> IpNet {
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length))
}

const fn v6(s: [u16; 8], length: u8) -> IpNet {
    let address = Ipv6Addr::new(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]);
    IpNet::V6(Ipv6Net::new_assert(address, length))
}

#[cfg(test)]
mod tests {
    use super::{
        Forbidden::{Metadata, NonPublic},
        *,
    };

    fn check(reach: Reach, addresses: &str, expected: Result<(), Forbidden>) {
        for text in addresses.split_whitespace() {
            let found = reach.check(text.parse().unwrap());
            assert_eq!(found, expected, "{text} with {reach:?}");
        }
    }

    /// The edges of each network, and the addresses beside them.
    #[test]
    fn public_addresses_are_allowed_with_each_reach() {
        let addresses = "1.0.0.0 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 \
            126.255.255.255 128.0.0.0 168.63.129.15 168.63.129.17 169.253.255.255 169.255.0.0 \
            172.15.255.255 172.32.0.0 192.0.1.0 192.0.3.0 192.88.98.255 192.88.100.0 \
            192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 198.51.99.255 198.51.101.0 \
            203.0.112.255 203.0.114.0 223.255.255.255 2000:: 2001:200:: 2001:4860:4860::8888 \
            2001:db7:ffff:: 2001:db9:: 2a03:2880:10ff::1 3ffe:: 3fff:1000:: \
            ::ffff:8.8.8.8 64:ff9b::8.8.8.8 2002:808:808::1";
        check(Reach::Public, addresses, Ok(()));
        check(Reach::Private, addresses, Ok(()));
    }

    #[test]
    fn non_public_addresses_need_the_private_reach() {
        let addresses = "0.0.0.0 0.0.0.1 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 \
            100.127.255.255 127.0.0.0 127.0.0.1 127.255.255.255 172.16.0.0 172.31.255.255 \
            192.0.0.0 192.0.0.255 192.0.2.0 192.0.2.255 192.88.99.0 192.88.99.255 192.168.0.0 \
            192.168.255.255 198.18.0.0 198.19.255.255 198.51.100.0 198.51.100.255 203.0.113.0 \
            203.0.113.255 224.0.0.0 239.255.255.255 240.0.0.0 255.255.255.255 \
            :: ::1 100:: 1fff:ffff:: 2001:: 2001::1 2001:1ff:ffff:: 2001:db8:: 2001:db8:ffff:: \
            3fff:: 3fff:fff:: 4000:: 5f00:: fc00:: fd00::1 fdff:ffff:: fec0:: ff02::1 ffff:: \
            64:ff9b:1::8.8.8.8";
        check(Reach::Public, addresses, Err(NonPublic));
        check(Reach::Private, addresses, Ok(()));
    }

    #[test]
    fn metadata_services_and_link_local_addresses_are_never_allowed() {
        let addresses = "169.254.0.0 169.254.169.254 169.254.170.2 169.254.170.23 169.254.255.255 \
            100.100.100.200 168.63.129.16 192.0.0.192 fe80:: fe80::a9fe:a9fe febf:ffff:: \
            fd00:ec2::254 fd00:ec2::23 fd20:ce::254 fd00:c1::a9fe:a9fe fd00:42::42 \
            fd00:a9fe:a9fe::1 fd00:100::100:200";
        for reach in [Reach::Public, Reach::Private] {
            check(reach, addresses, Err(Metadata));
        }
    }

    #[test]
    fn an_ipv4_address_inside_ipv6_counts_as_itself() {
        for form in ["::ffff:", "64:ff9b::", "::"] {
            let inside = |v4: &str| format!("{form}{v4}");
            check(Reach::Public, &inside("10.1.2.3"), Err(NonPublic));
            check(Reach::Private, &inside("10.1.2.3"), Ok(()));
            let metadata = inside("169.254.169.254");
            check(Reach::Private, &metadata, Err(Metadata));
        }
        check(Reach::Public, "2002:7f00:1::1", Err(NonPublic));
        check(Reach::Private, "2002:a9fe:a9fe::1", Err(Metadata));
    }
}
