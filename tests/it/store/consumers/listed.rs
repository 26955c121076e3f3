//! Lists of consumers.

use std::time::Duration;

use hookshelf::store::{
    consumers::{self, ConsumerKind, ConsumerStatus, Flush, Marked, NewConsumer},
    follow::Start,
};
use sqlx::PgConnection;

use super::{HOUR, WRITTEN, die, flush, owner, register, take, wait};
use crate::store::{
    World,
    items::{ago, comment, delivery, delivery_at},
};

const DAY: i64 = 24;

/// The only consumer.
async fn bot(conn: &mut PgConnection) -> ConsumerStatus {
    let listed = consumers::list(conn).await.unwrap();
    let [bot] = &listed[..] else {
        panic!("{listed:?}");
    };
    let shown = consumers::status(conn, "bot").await.unwrap().unwrap();
    let ages = (&bot.oldest, &shown.oldest);
    assert!(ages.0 <= ages.1, "{ages:?}");
    shown
}

#[tokio::test]
async fn a_list_counts_waiting_lanes_and_dead_letters() {
    let (world, mut conn) = World::with_consumer().await;
    take(&mut conn, "one").await.unwrap();
    let lanes = [
        (1, "timeout"),
        (2, "http_500"),
        (3, "http_500"),
        (4, "a"),
        (5, "b"),
        (6, "c"),
        (7, "d"),
    ];
    let lanes = lanes.map(|(position, code)| (position, wait(1, code, HOUR)));
    let dead = [8, 9, 10].map(|position| (position, die(5, "http_500")));
    let busy = Flush {
        heads: vec![40, 100],
        lanes: lanes.into_iter().chain(dead).collect(),
        ..flush(1)
    };
    assert_eq!(consumers::flush(&mut conn, &busy).await.unwrap(), WRITTEN);
    consumers::discard(&mut conn, "bot", Marked::At(&[8]))
        .await
        .unwrap();
    let listed = bot(&mut conn).await;
    assert_eq!((listed.waiting, listed.dead_letters), (7, 2));
    let codes = [("http_500", 2), ("a", 1), ("b", 1), ("c", 1), ("d", 1)];
    assert_eq!(listed.codes, codes.map(|(code, n)| (code.to_owned(), n)));
    let progress = &listed.progress;
    assert_eq!(
        (progress.position, &progress.heads[..]),
        (100, &[40, 100][..])
    );
    assert_eq!(listed.owner, Some(owner("one")));

    world
        .run("UPDATE consumers SET owned_until = clock_timestamp() - interval '1 ms'")
        .await;
    assert_eq!(bot(&mut conn).await.owner, None);
    let unknown = consumers::status(&mut conn, "unknown").await;
    assert_eq!(unknown.unwrap(), None);
}

#[tokio::test]
async fn a_list_tells_destinations_from_consumers() {
    let (_world, mut conn) = World::with_consumer().await;
    for kind in [ConsumerKind::Destination, ConsumerKind::Consumer] {
        let new = NewConsumer {
            name: "bot",
            kind,
            lane: "account",
            start: Start::Now,
        };
        consumers::register(&mut conn, new).await.unwrap();
        let listed = bot(&mut conn).await;
        assert_eq!(listed.kind, kind);
        assert_eq!(listed.progress.lane, "person", "the heads stay");
    }
}

#[tokio::test]
async fn lag_and_age_are_those_of_the_first_unsettled_event() {
    let (world, mut conn) = World::with_consumer().await;
    take(&mut conn, "one").await.unwrap();
    let mut writer = world.writer().await;
    let hours = |hours| ago(jiff::SignedDuration::from_hours(hours));
    writer
        .commit(&[delivery_at(hours(3 * DAY), vec![comment(1), comment(2)])])
        .await;
    writer
        .commit(&[delivery_at(hours(DAY), vec![comment(3)])])
        .await;
    writer.commit(&[delivery(vec![comment(4)])]).await;
    let end = world.number("SELECT max(position) FROM events").await;
    for (position, heads, days, lag) in [
        (0, vec![], Some(3), end),
        (end - 1, vec![], Some(0), 1),
        (end - 1, vec![end - 1], Some(1), 1),
        (end, vec![end - 3], Some(3), 0),
        (end, vec![], None, 0),
    ] {
        let at = Flush {
            position,
            heads,
            ..flush(1)
        };
        assert_eq!(consumers::flush(&mut conn, &at).await.unwrap(), WRITTEN);
        let listed = bot(&mut conn).await;
        let age = listed.oldest.map(|age| age.as_secs() / 86_400);
        assert_eq!((age, listed.lag), (days, lag), "{at:?}");
    }

    world.run("SELECT nextval('event_position')").await;
    assert_eq!(bot(&mut conn).await.lag, 0, "a hole is no event");
    let waiting = Flush {
        position: end,
        lanes: [(1, wait(1, "timeout", HOUR))].into(),
        ..flush(1)
    };
    let flushed = consumers::flush(&mut conn, &waiting).await.unwrap();
    assert_eq!(flushed, WRITTEN);
    let age = bot(&mut conn).await.oldest.unwrap();
    assert!(age > Duration::from_hours(24), "{age:?}");
}

#[tokio::test]
async fn consumers_are_listed_by_name() {
    let (_world, mut conn) = World::with_consumer().await;
    for name in ["b", "a"] {
        register(&mut conn, name, Start::Now).await;
    }
    let listed = consumers::list(&mut conn).await.unwrap();
    let names: Vec<_> = listed.iter().map(|it| &*it.name).collect();
    assert_eq!(names, ["a", "b", "bot"]);
}
