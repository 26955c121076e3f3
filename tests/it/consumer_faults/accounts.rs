//! Two accounts: all lanes of one fail, and the other goes on.

use std::ops::Range;

use jiff::SignedDuration;
use serde_json::json;
use sqlx::PgConnection;

use super::{
    ledger::{Leased, Verb},
    shop::{Shop, Staff, now},
    worker::Worker,
};
use crate::support::eventually;

pub(super) const BROKEN: &str = "17840000000000001";
pub(super) const SOUND: &str = "17840000000000002";

/// A failed event waits for longer than the test takes.
pub(super) const BOT: &str = "[consumers.bot]\nkinds = ['message']\nstart = 'beginning'\nbackoff = '1h..1h'\nmax_attempts = 1000\nlease = '1s'\n";

/// A delivery in which each person sends one message to the account. By Meta's clock they are so old.
pub(super) fn messages(
    account: &str,
    persons: Range<usize>,
    topic: &str,
    age: SignedDuration,
) -> String {
    let time = (now() - age).as_millisecond();
    let item = |person: usize| {
        json!({"sender": {"id": format!("7{person:05}")}, "recipient": {"id": account},
            "timestamp": time, "message": {"mid": format!("{topic}.{person}"), "text": "hello"}})
    };
    let items: Vec<_> = persons.map(item).collect();
    let entry = json!({"id": account, "time": time, "messaging": items});
    json!({"object": "instagram", "entry": [entry]}).to_string()
}

/// Each person sends one message to the account, in one delivery.
pub(super) async fn say(shop: &Shop, account: &str, persons: Range<usize>, topic: &str) {
    let body = messages(account, persons, topic, SignedDuration::ZERO);
    assert_eq!(shop.server().deliver("/webhook", body).await.status, 200);
}

/// Lets everything fail that is handed out.
pub(super) async fn fail(worker: &Worker) -> Vec<Leased> {
    let mut failed = Vec::new();
    loop {
        let events = worker.lease(100, 1.0).await;
        if events.is_empty() {
            return failed;
        }
        worker.settle_all(Verb::Nack, &events).await.unwrap();
        failed.extend(events);
    }
}

/// Settles everything that is handed out, in batches.
pub(super) fn hire(shop: &Shop) -> Staff {
    let (mut staff, worker) = (Staff::default(), shop.worker("w"));
    let end = staff.end.clone();
    staff.tasks.spawn(async move {
        while !end.is_cancelled() {
            let events = worker.lease(100, 0.5).await;
            settle(&worker, &events).await;
        }
    });
    staff
}

pub(super) async fn settle(worker: &Worker, events: &[Leased]) {
    for event in events {
        worker.effect(event);
    }
    worker.settle_all(Verb::Ack, events).await.unwrap();
}

pub(super) async fn is_saved(database: &mut PgConnection, condition: &str) -> bool {
    let saved = format!("SELECT {condition} FROM consumers WHERE name = 'bot'");
    let saved = sqlx::query_scalar(sqlx::AssertSqlSafe(saved));
    saved.fetch_one(database).await.unwrap()
}

/// Five persons of the other account are served at once.
pub(super) async fn serves_the_other(shop: &Shop, worker: &Worker, topic: &str) {
    say(shop, SOUND, 0..5, topic).await;
    for _ in 0..5 {
        let event = worker.next().await;
        assert!(event.lane.starts_with(SOUND), "{event:?}");
        assert_eq!(worker.do_work(&event).await, "acked");
    }
}

#[tokio::test]
async fn an_account_that_fails_for_nine_thousand_persons_delays_no_other_account() {
    let mut shop = Shop::open("").await;
    shop.reload(BOT);
    shop.serves().await;
    let worker = shop.worker("w");
    for first in (0..9_000).step_by(500) {
        say(&shop, BROKEN, first..first + 500, "first").await;
    }
    let failed = fail(&worker).await;
    assert_eq!(failed.len(), 5_000, "the account has half of the places");
    say(&shop, BROKEN, 9_000..9_500, "first").await;
    // Persons whose lanes wait, are parked, or are not kept.
    for first in [0, 5_000, 9_000] {
        say(&shop, BROKEN, first..first + 200, "second").await;
    }
    let is_behind = |state: &serde_json::Value| state["backlogs"] == 1 && state["blocked"] == true;
    shop.until("the account is behind", is_behind).await;
    serves_the_other(&shop, &worker, "before").await;

    let mut database = shop.connect().await;
    let read = "backlogs IS NOT NULL AND position >= (SELECT max(position) FROM events)";
    eventually("the backlog is saved", async || {
        is_saved(&mut database, read).await
    })
    .await;
    shop.restart();
    shop.serves().await;
    serves_the_other(&shop, &worker, "after").await;
    assert_eq!(shop.state().await["backlogs"], 1);

    for events in failed.chunks(500) {
        settle(&worker, events).await;
    }
    let summary = shop.closes(hire(&shop), &[]).await;
    assert!(is_saved(&mut database, "backlogs IS NULL").await);
    assert_eq!(summary.hand_outs, 10_110 + summary.repeats);
}
