//! An account that fails for so many persons that its further events are passed over, and read later.

use hookshelf::store::partitions;
use jiff::SignedDuration;
use serde_json::json;

use super::{
    accounts::{BOT, BROKEN, fail, hire, is_saved, messages, say, serves_the_other, settle},
    ledger::{Leased, Note},
    shop::{Shop, now},
    worker::Worker,
};
use crate::support::{eventually, server::apps};

/// Persons of an account until it has a backlog: with those that wait, and those in memory.
const PERSONS: usize = 8_600;

const HOURS: SignedDuration = SignedDuration::from_hours(2);

/// A shop whose consumer has these further lines.
async fn shop(lines: &str) -> (Shop, Worker) {
    let shop = Shop::open(&apps(["two"])).await;
    shop.reload(&format!("{BOT}{lines}{}", apps(["two"])));
    shop.serves().await;
    let worker = shop.worker("w");
    (shop, worker)
}

/// Persons write to the account, and it fails for all that are handed out.
async fn fall_behind(shop: &Shop, worker: &Worker, persons: usize) -> Vec<Leased> {
    for first in (0..persons).step_by(200) {
        say(shop, BROKEN, first..first + 200, "first").await;
    }
    fail_all(shop, worker).await
}

async fn fail_all(shop: &Shop, worker: &Worker) -> Vec<Leased> {
    let (mut failed, mut tries) = (Vec::new(), 0..10);
    // The next events of a backlog may take longer than a worker waits.
    while failed.len() < 5_000 && tries.next().is_some() {
        failed.extend(fail(worker).await);
    }
    assert_eq!(failed.len(), 5_000, "the account has half of the places");
    shop.until("the account is behind", |state| state["backlogs"] == 1)
        .await;
    failed
}

/// Settles the events that failed.
async fn recover(worker: &Worker, failed: &[Leased]) {
    for events in failed.chunks(500) {
        settle(worker, events).await;
    }
}

/// Delivers messages of 100 persons to the broken account, through this path.
async fn deliver(shop: &Shop, path: &str, first: usize, topic: &str, age: SignedDuration) {
    let body = messages(BROKEN, first..first + 100, topic, age);
    assert_eq!(shop.server().deliver(path, body).await.status, 200);
}

/// Positions of events.
async fn positions(shop: &Shop, condition: &str) -> Vec<i64> {
    let found = format!("SELECT position FROM events WHERE {condition}");
    let found = sqlx::query_scalar(sqlx::AssertSqlSafe(found));
    found.fetch_all(&mut shop.connect().await).await.unwrap()
}

/// The account fails once more while its backlog is read. Then everything is dropped.
#[tokio::test]
async fn days_dropped_under_a_backlog_are_skipped_and_reported() {
    const MANY: usize = 12_000;
    let (shop, worker) = shop("").await;
    let failed = fall_behind(&shop, &worker, MANY).await;
    let mut database = shop.connect().await;
    let purge = "DELETE FROM events WHERE position BETWEEN 6001 AND 6100";
    sqlx::query(purge).execute(&mut database).await.unwrap();
    recover(&worker, &failed).await;
    let failed = fail_all(&shop, &worker).await;
    for day in partitions::days(&mut database).await.unwrap() {
        partitions::drop_day(&mut database, day).await.unwrap();
    }
    serves_the_other(&shop, &worker, "after").await;
    recover(&worker, &failed).await;
    shop.closes(hire(&shop), &[]).await;
    let skipped = shop.state().await["skipped"]["gone"].as_u64().unwrap();
    let first_missed = shop.ledger.effects() as u64 + skipped - 4;
    let missed = format!("read them consumer=\"bot\" from={first_missed} to={MANY}");
    let log = shop.server().log();
    assert!(log.contains(&missed), "{missed} in {log}");
}

/// The lanes behind a lost event cannot be known: all events behind it are read again.
#[tokio::test]
async fn a_backlog_whose_last_event_was_purged_is_read_after_a_kill() {
    let (mut shop, worker) = shop("").await;
    let failed = fall_behind(&shop, &worker, PERSONS).await;
    serves_the_other(&shop, &worker, "before").await;
    let mut database = shop.connect().await;
    eventually("the backlog is saved", async || {
        is_saved(&mut database, "backlogs IS NOT NULL AND position >= 8605").await
    })
    .await;
    let purge = "DELETE FROM events WHERE position IN (8300, 8600)";
    sqlx::query(purge).execute(&mut database).await.unwrap();
    shop.restart();
    shop.ledger.note(Note::Rewound);
    shop.serves().await;
    assert!(shop.server().log().contains("consumer rewound"));
    recover(&worker, &failed).await;
    shop.closes(hire(&shop), &[]).await;
    assert!(is_saved(&mut database, "backlogs IS NULL").await);
}

#[tokio::test]
async fn of_a_backlog_each_message_comes_once_through_one_app_unless_it_is_too_old() {
    let (shop, worker) = shop("max_age = '1h'\nonce_per = 'account'\n").await;
    let failed = fall_behind(&shop, &worker, PERSONS).await;
    let (one, two) = ("/webhook/default", "/webhook/two");
    let new = SignedDuration::ZERO;
    deliver(&shop, one, 10_000, "old", HOURS).await;
    deliver(&shop, one, 11_000, "first_one", new).await;
    deliver(&shop, two, 11_000, "first_one", new).await;
    deliver(&shop, two, 12_000, "first_two", new).await;
    deliver(&shop, one, 12_000, "first_two", new).await;
    deliver(&shop, one, 13_000, "plain", new).await;
    let mut of_two = 0;
    while of_two < 100 {
        let events = worker.lease(100, 1.0).await;
        settle(&worker, &events).await;
        of_two += events.len();
    }
    recover(&worker, &failed).await;
    let skipped = "message_id LIKE 'old.%' OR app = 'two' AND message_id LIKE 'first_one.%'
                   OR app = 'default' AND message_id LIKE 'first_two.%'";
    let skipped = positions(&shop, skipped).await;
    assert_eq!(skipped.len(), 300);
    let summary = shop.closes(hire(&shop), &skipped).await;
    assert_eq!(summary.hand_outs, PERSONS + 300);
    let counts = &shop.state().await["skipped"];
    assert_eq!(
        (&counts["too_old"], &counts["repeated"]),
        (&100.into(), &200.into())
    );
}

#[tokio::test]
async fn a_backlog_of_events_without_lanes_comes_once_over_a_kill() {
    let (mut shop, worker) = shop("lane = 'none'\n").await;
    let failed = fall_behind(&shop, &worker, PERSONS).await;
    deliver(&shop, "/webhook", 0, "second", SignedDuration::ZERO).await;
    recover(&worker, &failed[..2_500]).await;
    shop.restart();
    shop.serves().await;
    recover(&worker, &failed[2_500..]).await;
    let summary = shop.closes(hire(&shop), &[]).await;
    assert_eq!(summary.hand_outs, PERSONS + 100 + summary.repeats);
}

/// A message to each of these accounts, in one delivery.
async fn say_to(shop: &Shop, accounts: std::ops::Range<usize>, topic: &str) {
    let time = now().as_millisecond();
    let entry = |account: usize| {
        let id = format!("178500000000{account:05}");
        let message = json!({"mid": format!("{topic}.{account}"), "text": "hello"});
        let item = json!({"sender": {"id": "7001"}, "recipient": {"id": id},
            "timestamp": time, "message": message});
        json!({"id": id, "time": time, "messaging": [item]})
    };
    let entries: Vec<_> = accounts.map(entry).collect();
    let body = json!({"object": "instagram", "entry": entries}).to_string();
    assert_eq!(shop.server().deliver("/webhook", body).await.status, 200);
}

/// All places are taken, and so many heads are in memory that accounts are passed over which have no
/// head yet.
#[tokio::test]
async fn accounts_that_are_lanes_keep_their_order_over_their_backlogs() {
    const ACCOUNTS: usize = 16_600;
    let (shop, worker) = shop("lane = 'account'\n").await;
    for first in (0..ACCOUNTS).step_by(200) {
        say_to(&shop, first..first + 200, "first").await;
    }
    let failed = fail(&worker).await;
    assert_eq!(failed.len(), 10_000, "each account has a place");
    for first in [0, 12_000, ACCOUNTS - 200] {
        say_to(&shop, first..first + 200, "second").await;
    }
    shop.until("accounts are behind", |state| {
        state["backlogs"].as_u64() >= Some(100)
    })
    .await;
    recover(&worker, &failed).await;
    let summary = shop.closes(hire(&shop), &[]).await;
    assert_eq!(summary.hand_outs, ACCOUNTS + 600);
}
