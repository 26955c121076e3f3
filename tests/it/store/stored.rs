//! What is committed stands in the tables as it came.

use std::net::IpAddr;

use super::{
    World,
    items::{comment, delivery},
};

/// One of each family, a mapped one, and none.
const ADDRESSES: [Option<&str>; 4] = [
    Some("192.0.2.7"),
    Some("2001:db8::7"),
    Some("::ffff:192.0.2.7"),
    None,
];

#[tokio::test]
async fn addresses_of_either_family_are_stored_as_they_are() {
    let world = World::create().await;
    let deliveries = (1..).zip(ADDRESSES).map(|(number, address)| {
        let mut delivery = delivery(vec![comment(number)]);
        delivery.remote_addr = address.map(|text| text.parse::<IpAddr>().unwrap());
        delivery
    });
    let deliveries: Vec<_> = deliveries.collect();
    world.writer().await.commit(&deliveries).await;
    let stored = "SELECT host(remote_addr) FROM deliveries JOIN events ON delivery_id = id
                  ORDER BY position";
    let expected = ADDRESSES.map(|address| address.unwrap_or("-"));
    assert_eq!(world.texts(stored).await, expected);
    let networks = "SELECT count(*) FROM deliveries WHERE masklen(remote_addr) NOT IN (32, 128)";
    assert_eq!(world.number(networks).await, 0);
}

#[tokio::test]
async fn json_is_stored_character_by_character() {
    let world = World::create().await;
    let payload = "{ \"a\" : 1.50,\t\"a\": \"\\u00e9 é 🎉\" }";
    let mut event = comment(1);
    event.payload = Some(payload.into());
    let mut one = delivery(vec![event]);
    one.headers = "{\"b\": 1,  \"a\" :\"x\"}".to_owned();
    world.writer().await.commit(&[one]).await;
    assert_eq!(
        world.texts("SELECT payload::text FROM events").await,
        [payload]
    );
    let headers = world.texts("SELECT headers::text FROM deliveries").await;
    assert_eq!(headers, ["{\"b\": 1,  \"a\" :\"x\"}"]);
}
