//! Sender addresses behind trusted proxies.

use std::sync::Arc;

use hookshelf::{http::Limits, meta::signature::sign};

use super::{
    door::{Door, STORED, Setup, limits, secret},
    wire::post,
};

#[tokio::test]
async fn forwarded_addresses_count_only_from_a_trusted_proxy() {
    let strangers: Arc<[ipnet::IpNet]> = Arc::default();
    let loopback: Arc<[ipnet::IpNet]> = Arc::new(["127.0.0.0/8".parse().unwrap()]);
    for (trusted_proxies, expected, network) in [
        (strangers, "127.0.0.1", "127.0.0.0/24"),
        (loopback, "198.51.100.9", "198.51.100.0/24"),
    ] {
        let limits = Limits {
            trusted_proxies,
            ..limits()
        };
        let mut door = Door::with(Setup {
            limits,
            ..Setup::default()
        });
        let signature = sign(&secret("default"), b"{}");
        let headers = [
            ("x-hub-signature-256", &*signature),
            ("x-forwarded-for", "203.0.113.1, 198.51.100.9"),
        ];
        let (delivery, _) = door
            .deliver(post("/webhook", &headers, b"{}"), STORED)
            .await;
        let address = delivery.envelope.remote_addr;
        assert_eq!(address, Some(expected.parse().unwrap()));

        let headers = [("x-forwarded-for", "203.0.113.1, 198.51.100.9")];
        assert_eq!(
            door.ask(post("/webhook", &headers, b"{}")).await.bare(),
            401
        );
        assert_eq!(door.rejection().await.2, Some(network.parse().unwrap()));
    }
}
