//! Counts of rejections, in a table that a flood cannot grow; and accounts, which are created by
//! their deliveries.

use hookshelf::{
    clock::Clock,
    ingest::{Rejection, Tally},
    meta::event::Event,
    store::rejections::{self, Count},
};
use jiff::{SignedDuration, Timestamp};
use sqlx::PgConnection;

use super::{
    World,
    items::{comment, delivery, delivery_at},
};

const NOON: &str = "2026-11-20T12:00:00Z";
const ROWS: &str =
    "SELECT concat_ws(' ', to_char(hour AT TIME ZONE 'UTC', 'HH24'), app, reason, prefix, count,
                           to_char(last_at AT TIME ZONE 'UTC', 'HH24:MI:SS'))
                    FROM rejections ORDER BY hour, app, reason, prefix";
const SUM: &str = "SELECT coalesce(sum(count), 0)::bigint FROM rejections";
const LENGTH: &str = "SELECT count(*) FROM rejections";

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

/// `count` rejections in an hour from one network.
fn refused(hour: Timestamp, network: u32, count: i64) -> Count {
    let [a, b, c, _] = (0x0a00_0000 + (network << 8)).to_be_bytes();
    Count {
        hour,
        app: "default".to_owned(),
        reason: "signature_mismatch",
        prefix: Some(format!("{a}.{b}.{c}.0/24")),
        count,
        last_at: hour + SignedDuration::from_secs(i64::from(network % 3600)),
        proxy_header: None,
    }
}

async fn add(connection: &mut PgConnection, counts: &[Count], max_rows: u32) {
    rejections::add(connection, counts, max_rows).await.unwrap();
}

#[tokio::test]
async fn rejections_are_counted_by_hour_app_reason_and_network() {
    let world = World::create().await;
    let mut connection = world.connect().await;
    let (clock, hands) = Clock::manual(at("2026-11-20T12:34:56Z"));
    let tally = Tally::new(clock);
    let from = |address: &str| Some(address.parse().unwrap());
    tally.count(
        "default",
        Rejection::SignatureMismatch,
        from("198.51.100.7"),
    );
    tally.count(
        "default",
        Rejection::SignatureMismatch,
        from("198.51.100.9"),
    );
    tally.count(
        "default",
        Rejection::SignatureMissing,
        from("2001:db8:1:2::3"),
    );
    tally.count("other", Rejection::BodyTooLarge, None);
    add(&mut connection, &tally.take(), 1_000).await;
    hands.set(at("2026-11-20T12:59:59Z"));
    tally.count(
        "default",
        Rejection::SignatureMismatch,
        from("198.51.100.8"),
    );
    hands.set(at("2026-11-20T13:00:00Z"));
    tally.count(
        "default",
        Rejection::SignatureMismatch,
        from("198.51.100.8"),
    );
    add(&mut connection, &tally.take(), 1_000).await;
    let expected = [
        "12 default signature_mismatch 198.51.100.0/24 3 12:59:59",
        "12 default signature_missing 2001:db8:1::/48 1 12:34:56",
        "12 other body_too_large 0.0.0.0/0 1 12:34:56",
        "13 default signature_mismatch 198.51.100.0/24 1 13:00:00",
    ];
    assert_eq!(world.texts(ROWS).await, expected);
}

#[tokio::test]
async fn a_flood_from_everywhere_stays_within_its_rows_and_is_counted() {
    const MAX_ROWS: u32 = 240;
    let world = World::create().await;
    let mut connection = world.connect().await;
    let noon = at(NOON);
    add(&mut connection, &[refused(noon, 0, 5)], MAX_ROWS).await;
    for wave in 0..5 {
        let flood: Vec<_> = (0..300)
            .map(|network| refused(noon, 1 + wave * 300 + network, 2))
            .collect();
        add(&mut connection, &flood, MAX_ROWS).await;
    }
    // The share of the hour, and the shared row for all later networks.
    assert_eq!(world.number(LENGTH).await, 11);
    assert_eq!(world.number(SUM).await, 5 + 5 * 300 * 2);
    // A network with a row keeps using it.
    add(&mut connection, &[refused(noon, 0, 5)], MAX_ROWS).await;
    let first = "SELECT count FROM rejections WHERE prefix = '10.0.0.0/24'";
    assert_eq!(world.number(first).await, 10);
}

#[tokio::test]
async fn floods_of_many_hours_push_out_the_oldest() {
    const MAX_ROWS: u32 = 120;
    let world = World::create().await;
    let mut connection = world.connect().await;
    for hour in 0..60 {
        let hour = at(NOON) + SignedDuration::from_hours(hour);
        let flood: Vec<_> = (0..20).map(|network| refused(hour, network, 1)).collect();
        add(&mut connection, &flood, MAX_ROWS).await;
        assert!(world.number(LENGTH).await <= i64::from(MAX_ROWS));
    }
    assert_eq!(world.number(LENGTH).await, i64::from(MAX_ROWS));
    // Six rows an hour: the last twenty hours are left, each complete.
    assert_eq!(world.number(SUM).await, 20 * 20);
    let oldest =
        "SELECT min(hour)::text FROM (SELECT hour AT TIME ZONE 'UTC' AS hour FROM rejections) AS r";
    assert_eq!(world.texts(oldest).await, ["2026-11-22 04:00:00"]);
}

#[tokio::test]
async fn two_instances_count_at_once() {
    let world = World::create().await;
    let count = async |first: u32| {
        let mut connection = world.connect().await;
        for round in 0..20 {
            let counts: Vec<_> = (0..20)
                .map(|n| refused(at(NOON), (first + n * 7 + round) % 40, 1))
                .collect();
            add(&mut connection, &counts, 240).await;
        }
    };
    tokio::join!(count(0), count(11), count(23));
    assert_eq!(world.number(SUM).await, 3 * 20 * 20);
    assert_eq!(world.number(LENGTH).await, 11);
}

const ACCOUNTS: &str = "SELECT concat_ws(' ', app, account_id, state, first_seen = last_seen)
                        FROM accounts ORDER BY app, account_id";

fn of_account(number: u32, account: Option<&str>) -> Event {
    let account_id = account.map(Into::into);
    Event {
        account_id,
        ..comment(number)
    }
}

#[tokio::test]
async fn accounts_appear_with_their_first_delivery() {
    let world = World::create().await;
    let several = ["1", "2", "1", "0", "2"].map(Some);
    let events = several.into_iter().chain([None]).zip(1..);
    let events = events.map(|(account, number)| of_account(number, account));
    let mut other = delivery(vec![of_account(10, Some("1"))]);
    other.envelope.app = "other".into();
    let batch = [delivery(events.collect()), other];
    world.writer().await.commit(&batch).await;
    let expected = [
        "default 1 active t",
        "default 2 active t",
        "other 1 active t",
    ];
    assert_eq!(world.texts(ACCOUNTS).await, expected);
}

#[tokio::test]
async fn an_account_is_seen_once_an_hour_and_stays_what_the_operator_made_it() {
    let world = World::create().await;
    let mut session = world.writer().await;
    let start = super::items::ago(SignedDuration::from_hours(5));
    let last_seen = "SELECT extract(epoch FROM last_seen - first_seen)::bigint / 60 FROM accounts";
    session
        .commit(&[delivery_at(start, vec![comment(1)])])
        .await;
    world
        .run("UPDATE accounts SET label = 'shop', state = 'left'")
        .await;
    // Minutes after the first delivery, and the expected `last_seen` in minutes.
    for (number, (minute, known)) in
        (2..).zip([(30, 0), (60, 0), (66, 66), (90, 66), (40, 66), (127, 127)])
    {
        let seen = start + SignedDuration::from_mins(minute);
        // A repeat also updates `last_seen`.
        let events = vec![comment(number % 3)];
        session.commit(&[delivery_at(seen, events)]).await;
        assert_eq!(
            world.number(last_seen).await,
            known,
            "after {minute} minutes"
        );
    }
    let kept = "SELECT label || ' ' || state FROM accounts";
    assert_eq!(world.texts(kept).await, ["shop left"]);
}

#[tokio::test]
async fn an_account_that_an_operator_is_editing_holds_up_no_commit() {
    let world = World::create().await;
    let mut session = world.writer().await;
    let earlier = super::items::ago(SignedDuration::from_hours(5));
    session
        .commit(&[delivery_at(earlier, vec![comment(1)])])
        .await;
    let mut operator = world.writer().await;
    operator
        .run("BEGIN; UPDATE accounts SET label = 'shop'")
        .await;
    session.commit(&[delivery(vec![comment(2)])]).await;
    operator.run("COMMIT").await;
    let seen = "SELECT label || ' ' || (last_seen = first_seen) FROM accounts";
    assert_eq!(world.texts(seen).await, ["shop true"]);
    // A commit a few minutes later tries again.
    let later = super::now() + SignedDuration::from_mins(6);
    session
        .commit(&[delivery_at(later, vec![comment(3)])])
        .await;
    assert_eq!(world.texts(seen).await, ["shop false"]);
}
