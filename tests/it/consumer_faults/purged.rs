//! Heads that are purged.

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
