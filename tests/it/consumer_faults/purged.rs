//! Heads that are purged.

use serde_json::json;

use super::{
    ledger::{Note, Verb},
    shop::{Shop, Staff},
};

const PURGE: [&str; 4] = ["events", "purge", "--simulated", "--yes"];

/// A shop with a few simulated messages, of which none is in memory any more.
async fn shop_with_simulated() -> Shop {
    let mut shop = Shop::open("").await;
    let output = shop.server().run(&["simulate", "--seed", "5"]);
    assert!(output.status.success(), "{output:?}");
    shop.say("7001", 2).await;
    shop.stop_for(&["events", "list"]).await;
    shop
}

#[tokio::test]
async fn heads_purged_while_the_server_runs_are_skipped() {
    let shop = shop_with_simulated().await;
    let worker = shop.worker("w");
    let (held, failed) = (worker.next().await, worker.next().await);
    worker.settle(Verb::Nack, &failed).await.unwrap();
    let output = shop.server().run(&PURGE);
    assert!(output.status.success(), "{output:?}");
    worker.do_work(&held).await;
    let summary = shop.closes(shop.hire(2), &[]).await;
    assert_eq!(summary.hand_outs, 4);
    let state = shop.state().await;
    assert!(state["skipped"]["gone"].as_u64() > Some(0), "{state}");
}

#[tokio::test]
async fn heads_purged_while_the_server_is_stopped_are_skipped() {
    let mut shop = shop_with_simulated().await;
    let worker = shop.worker("w");
    let (held, failed) = (worker.next().await, worker.next().await);
    worker.settle(Verb::Nack, &failed).await.unwrap();
    shop.stop_for(&PURGE).await;
    shop.ledger.note(Note::Rewound);
    assert_ne!(worker.do_work(&held).await, "acked", "the event is gone");
    let real: Vec<_> = shop.events().await;
    shop.closes(shop.hire(2), &[]).await;
    assert_eq!(shop.state().await["settled"], real.len());
}

#[tokio::test]
async fn a_purge_repeats_nothing_that_was_settled_before_the_first_head() {
    let mut shop = shop_with_simulated().await;
    let staff = shop.hire(2);
    shop.has_settled_all().await;
    shop.stop_for(&PURGE).await;
    let before = shop.events().await;
    shop.say("7002", 1).await;
    let summary = shop.closes(staff, &[]).await;
    assert_eq!(summary.repeats, 0);
    assert_eq!(before.len(), 2);
    shop.closes(Staff::default(), &[]).await;
}

/// As a drop of their day deletes them: out, waiting, dead, and behind heads in memory.
#[tokio::test]
async fn events_that_are_dropped_are_skipped_and_counted_and_old_leases_answered() {
    let mut shop = Shop::open("").await;
    for person in ["7001", "7002", "7003"] {
        shop.say(person, 2).await;
    }
    shop.stop_for(&["events", "list"]).await;
    let worker = shop.worker("w");
    let (out, failed, dead) = (
        worker.next().await,
        worker.next().await,
        worker.next().await,
    );
    worker.settle(Verb::Nack, &failed).await.unwrap();
    let buried = worker.post("settle", &json!({"dead": [dead.lease]})).await;
    assert_eq!(buried.unwrap().1["results"][0]["result"], "dead");
    let drop = "DELETE FROM events WHERE position <= 6";
    let mut database = shop.connect().await;
    sqlx::query(drop).execute(&mut database).await.unwrap();
    shop.say("7004", 1).await;

    let staff = shop.hire(1);
    assert_eq!(worker.do_work(&out).await, "acked");
    shop.has_settled_all().await;
    assert_eq!(shop.state().await["skipped"]["gone"], 3);
    let retry = ["consumers", "dead", "retry", "bot", "--all"];
    assert!(shop.server().run(&retry).status.success());
    shop.until("the letter is skipped", |it| it["skipped"]["gone"] == 4)
        .await;
    for old in [&out, &failed, &dead] {
        assert_eq!(worker.ack(old).await, "already");
    }
    let summary = shop.closes(staff, &[]).await;
    assert_eq!((summary.hand_outs, summary.repeats), (4, 0));
}

#[tokio::test]
async fn events_dropped_before_they_are_read_are_reported() {
    let mut shop = Shop::open("").await;
    let staff = shop.hire(1);
    shop.say("7001", 5).await;
    shop.has_settled_all().await;
    let pause = ["consumers", "pause", "bot"];
    assert!(shop.server().run(&pause).status.success());
    shop.until("it is paused", |state| state["paused"] == "operator")
        .await;
    shop.say("7002", 1).await;
    let drop = "DELETE FROM events WHERE position <= 5";
    let mut database = shop.connect().await;
    sqlx::query(drop).execute(&mut database).await.unwrap();
    shop.stop_for(&["consumers", "seek", "bot", "--to", "2", "--yes"])
        .await;
    let resume = ["consumers", "resume", "bot"];
    assert!(shop.server().run(&resume).status.success());
    shop.closes(staff, &[]).await;
    let told = "deleted before the consumer read them consumer=\"bot\" from=3 to=5";
    assert!(
        shop.server().log().contains(told),
        "{}",
        shop.server().log()
    );
}
