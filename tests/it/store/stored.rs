//! Stored rows contain what was committed.

use std::net::IpAddr;

use hookshelf::{
    meta::event::{Event, Problem},
    store::Committed,
};

use super::{
    World,
    items::{comment, days_ago, delivery, told_as},
};

/// An address of each family, a mapped address, and none.
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
        delivery.envelope.remote_addr = address.map(|text| text.parse::<IpAddr>().unwrap());
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
async fn an_item_is_shown_character_by_character() {
    let world = World::create().await;
    let item = "{ \"a\" : 1.50,\t\"a\": \"\\u00e9 é 🎉\" }";
    let mut one = delivery(vec![comment(1)]);
    one.body = format!("\u{feff}[{item}]").into();
    one.events[0].item_start = 4;
    one.events[0].item_length = u32::try_from(item.len()).unwrap();
    world.writer().await.commit(&[one]).await;
    let shown = world.texts("SELECT payload::text FROM events").await;
    assert_eq!(shown, [item]);
}

#[tokio::test]
async fn text_that_postgres_cannot_hold_is_replaced_when_it_is_read() {
    let world = World::create().await;
    for (body, shown) in [
        (r#"["a\u0000b"]"#, r#"["a\ufffdb"]"#),
        (r#"["\\u0000\\\u0000"]"#, r#"["\\u0000\\\ufffd"]"#),
        (
            r#"["\ud83d\ud83d\ude0d\uDEAD"]"#,
            r#"["\ufffd\ud83d\ude0d\ufffd"]"#,
        ),
        (r#"["\ud83d","é\n\"ü"]"#, r#"["\ufffd","é\n\"ü"]"#),
    ] {
        let mut one = delivery(vec![Event {
            problem: Some(Problem::UnsafeText),
            ..comment(1)
        }]);
        one.events[0].item_length = u32::try_from(body.len()).unwrap();
        one.body = body.into();
        world.writer().await.commit(&[one.clone()]).await;
        let query = "SELECT payload::text FROM events UNION ALL SELECT payload::text FROM repeats";
        assert_eq!(world.texts(query).await.last().unwrap(), shown);
    }
}

#[tokio::test]
async fn headers_are_shown_as_they_came() {
    let world = World::create().await;
    let signature = format!("\"x-hub-signature-256\":\"sha256={}\"", "0f".repeat(32));
    let headers = [
        "{}".to_owned(),
        format!("{{{signature}}}"),
        format!("{{\"user-agent\":\"a\",{signature}}}"),
        "{\"b\": 1,  \"a\" :\"x}\"}".to_owned(),
    ];
    let deliveries = headers.clone().map(|headers| {
        let mut one = delivery(vec![]);
        one.envelope.headers = headers;
        one
    });
    world.writer().await.commit(&deliveries).await;
    world.writer().await.commit(&[delivery(vec![])]).await;
    let shown = world
        .texts("SELECT headers::text FROM deliveries ORDER BY id LIMIT 4")
        .await;
    assert_eq!(shown, headers);
    assert_eq!(world.number("SELECT count(*) FROM header_sets").await, 4);
}

/// Resend after a lost answer: stored deliveries stay unchanged, and new ones are stored.
#[tokio::test]
async fn of_a_batch_that_is_partly_here_the_rest_is_stored() {
    let world = World::create().await;
    let mut session = world.writer().await;
    let here = [
        delivery(vec![comment(1), comment(1)]),
        days_ago(3, vec![comment(2)]),
        delivery(vec![]),
    ];
    session.commit(&here).await;
    assert_eq!(world.sizes().await, [3, 2, 1]);

    let [first, second, third] = here;
    let pair = told_as(comment(1), r#"{"media":{"ad_id":"2"}}"#);
    let new = delivery(vec![pair, comment(3)]);
    let sent = [first, new.clone(), second, new, third, delivery(vec![])];
    let expected = [(0, 2), (1, 1), (0, 1), (0, 2), (0, 0), (0, 0)];
    let expected = expected.map(|(new, repeated)| Committed {
        new,
        repeated,
        problem: None,
    });
    for expected in [
        expected,
        expected.map(|one| Committed {
            new: 0,
            repeated: one.new + one.repeated,
            ..one
        }),
    ] {
        assert_eq!(session.commit(&sent).await, expected);
        assert_eq!(world.sizes().await, [5, 3, 2]);
    }
    let positions = "SELECT count(DISTINCT position) FROM
                     (SELECT position FROM events UNION ALL SELECT position FROM repeats) AS log";
    assert_eq!(world.number(positions).await, 5);
}

/// A clock that was never set starts in 1970. The time must compare equal in its stored precision:
/// otherwise the delivery would be refused as a duplicate, and its copy would never leave the
/// spool.
#[tokio::test]
async fn what_came_before_the_clock_was_set_is_known_again() {
    let world = World::create().await;
    let mut session = world.writer().await;
    let moments = [
        "1970-01-01T00:00:07.123456789Z",
        "1969-12-31T23:59:59.9999999Z",
    ];
    for (number, moment) in (1..).zip(moments) {
        let mut one = delivery(vec![comment(number)]);
        one.envelope.received_at = moment.parse().unwrap();
        for new in [1, 0] {
            let told = session.commit(&[one.clone()]).await;
            assert_eq!((told[0].new, told[0].repeated), (new, 1 - new), "{moment}");
        }
    }
    assert_eq!(world.sizes().await, [2, 2, 0]);
}
