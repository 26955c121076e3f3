//! Name resolution for destinations.
//!
//! The connector dials the addresses that the resolver returns and looks nothing up itself. So an
//! address that passed the filter is the address of the connection: a name cannot lead to another
//! address after the check.

use std::{net::SocketAddr, sync::Arc};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::lookup_host;

use crate::config::Reach;

/// Error for a name without an allowed address. Names none of the addresses.
#[derive(Debug, thiserror::Error)]
#[error("no address of the name is within the reach of the destination")]
pub(super) struct NoAllowedAddress;

/// Resolver that drops the addresses outside a reach.
pub(super) struct Filter {
    pub(super) lookup: Arc<dyn Resolve>,
    pub(super) reach: Reach,
}

impl Resolve for Filter {
    fn resolve(&self, name: Name) -> Resolving {
        let (lookup, reach) = (self.lookup.resolve(name), self.reach);
        Box::pin(async move {
            let allowed = filter(lookup.await?.collect(), reach)?;
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// Addresses within the reach, in order. Port 0 lets the connector use the port of the URL.
fn filter(mut found: Vec<SocketAddr>, reach: Reach) -> Result<Vec<SocketAddr>, NoAllowedAddress> {
    let had_any = !found.is_empty();
    found.retain(|address| reach.check(address.ip()).is_ok());
    if found.is_empty() && had_any {
        return Err(NoAllowedAddress);
    }
    for address in &mut found {
        address.set_port(0);
    }
    Ok(found)
}

/// Resolver of the operating system.
pub(super) struct SystemLookup;

impl Resolve for SystemLookup {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<_> = lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filtered(addresses: &str, reach: Reach) -> Option<String> {
        let found = addresses.split(' ').map(|it| it.parse().unwrap());
        let allowed = filter(found.collect(), reach).ok()?;
        let texts: Vec<_> = allowed.iter().map(ToString::to_string).collect();
        Some(texts.join(" "))
    }

    #[test]
    fn only_allowed_addresses_are_returned_in_order_and_without_a_port() {
        let found = "10.0.0.1:53 8.8.8.8:1 169.254.169.254:0 [2606:4700::1111]:443";
        let public = filtered(found, Reach::Public).unwrap();
        assert_eq!(public, "8.8.8.8:0 [2606:4700::1111]:0");
        let private = filtered(found, Reach::Private).unwrap();
        assert_eq!(private, "10.0.0.1:0 8.8.8.8:0 [2606:4700::1111]:0");
    }

    #[test]
    fn a_name_with_forbidden_addresses_only_is_an_error() {
        assert_eq!(filtered("[fe80::1]:0 10.0.0.1:0", Reach::Public), None);
        assert_eq!(filtered("169.254.169.254:0", Reach::Private), None);
        assert!(filter(Vec::new(), Reach::Public).unwrap().is_empty());
    }

    #[tokio::test]
    async fn the_operating_system_is_asked() {
        let found = SystemLookup.resolve("localhost".parse().unwrap()).await;
        assert!(found.unwrap().all(|address| address.ip().is_loopback()));
    }
}
