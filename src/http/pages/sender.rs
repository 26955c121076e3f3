//! Sender of a delivery by its address.

use std::net::IpAddr;

use crate::meta::networks::{is_metas, is_private, network};

/// Sender of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sender {
    /// An address of Meta's networks.
    Meta,
    /// A loopback or private address: a local proxy or program.
    Private,
    /// Any other address.
    Other,
    /// No address is stored.
    Unknown,
}

impl Sender {
    /// Sender with this address.
    pub(super) fn of(address: Option<&str>) -> Self {
        let Some(address) = address.and_then(|it| it.parse::<IpAddr>().ok()) else {
            return Self::Unknown;
        };
        match network(address) {
            Some(net) if is_metas(&net) => Self::Meta,
            _ if is_private(address) => Self::Private,
            _ => Self::Other,
        }
    }

    /// Name in a sentence behind `from`.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Meta => "Meta's network",
            Self::Private => "a private network",
            Self::Other => "another network",
            Self::Unknown => "an unknown address",
        }
    }

    /// Meaning of the network for the trust in the delivery.
    pub(super) fn about(self) -> &'static str {
        match self {
            Self::Meta => "The address belongs to Meta.",
            Self::Private => {
                "A proxy or a program on this network sent it. Name the proxy in \
                 http.trusted_proxies to see the address behind it."
            }
            Self::Other => {
                "The address is not known as Meta's. The signature alone proves the sender."
            }
            Self::Unknown => "No address is stored.",
        }
    }

    /// Name of the icon.
    pub(super) fn icon(self) -> &'static str {
        if self.is_metas() { "check" } else { "globe" }
    }

    pub(super) fn is_metas(self) -> bool {
        self == Self::Meta
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_tells_the_network() {
        for (address, sender) in [
            (Some("157.240.1.9"), Sender::Meta),
            (Some("127.0.0.1"), Sender::Private),
            (Some("198.51.100.7"), Sender::Other),
            (Some("nonsense"), Sender::Unknown),
            (None, Sender::Unknown),
        ] {
            assert_eq!(Sender::of(address), sender, "{address:?}");
        }
    }
}
