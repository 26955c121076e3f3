//! Reloads that narrow, widen and rename a consumer with leases out.

use serde_json::json;

use super::{
    ledger::{Leased, Verb},
    shop::{BOT, Shop, Staff},
};
use crate::support::eventually;

/// Positions of the events that are not handed out.
async fn rest(shop: &Shop, handed_out: &[&Leased]) -> Vec<i64> {
    let events = shop
        .events()
        .await
        .into_iter()
        .map(|(position, _)| position);
    let is_out = |position: &i64| handed_out.iter().any(|it| it.position == *position);
    events.filter(|it| !is_out(it)).collect()
}

#[tokio::test]
async fn a_lease_outlives_a_reload_and_filtered_events_do_not_go_out() {
    let shop = Shop::open("").await;
    shop.say("7001", 3).await;
    shop.say("7002", 3).await;
    shop.until("all is read", |state| state["lag"]["positions"] == 0)
        .await;
    let worker = shop.worker("w");
    let (first, failed) = (worker.next().await, worker.next().await);
    worker.settle(Verb::Nack, &failed).await.unwrap();

    shop.reload(&format!("{BOT}accounts = ['17840000000000002']\n"));
    shop.serves().await;
    assert_eq!(worker.do_work(&first).await, "acked");
    assert!(
        worker.lease(10, 2.0).await.is_empty(),
        "no other event is chosen"
    );
    let narrow = rest(&shop, &[&first]).await;
    assert_eq!(shop.state().await["waiting"], 0);

    shop.reload(BOT);
    shop.serves().await;
    shop.say("7001", 1).await;
    let next = worker.next().await;
    assert!(next.position > narrow[4], "skipped events do not come back");
    assert_eq!(worker.do_work(&next).await, "acked");
    shop.closes(Staff::default(), &narrow).await;
}

#[tokio::test]
async fn a_reload_holds_back_only_the_events_that_are_out() {
    let shop = Shop::open("").await;
    for person in ["7001", "7002", "7003"] {
        shop.say(person, 1).await;
    }
    shop.until("all is read", |state| state["lag"]["positions"] == 0)
        .await;
    let (one, two) = (shop.worker("one"), shop.worker("two"));
    let (first, second) = (one.next().await, two.next().await);
    one.release(std::slice::from_ref(&first)).await;

    shop.reload(&format!("{BOT}lease = '1s'\n"));
    shop.serves().await;
    shop.until("all is read again", |state| state["lag"]["positions"] == 0)
        .await;
    let ready = one.lease(10, 0.0).await;
    let third = rest(&shop, &[&first, &second]).await[0];
    let positions: Vec<_> = ready.iter().map(|it| it.position).collect();
    assert_eq!(positions, [first.position, third]);
    assert!(
        one.lease(10, 2.0).await.is_empty(),
        "its lease is longer than those of today"
    );
    for event in ready.iter().chain([&second]) {
        assert_eq!(two.do_work(event).await, "acked");
    }
    let summary = shop.closes(Staff::default(), &[]).await;
    assert_eq!(summary.hand_outs, 4);
}

#[tokio::test]
async fn a_worker_that_waits_during_a_reload_gets_no_events_and_no_error() {
    let shop = Shop::open("").await;
    let worker = shop.worker("waits");
    let wait = json!({"wait_s": 60});
    let (answer, ()) = tokio::join!(worker.post("lease", &wait), async {
        shop.until("the worker waits", |state| state["workers"] != json!([]))
            .await;
        shop.reload(&format!("{BOT}max_in_flight = 5\n"));
    });
    assert_eq!(answer, Some((200, json!({"events": []}))));
}

#[tokio::test]
async fn another_unit_of_ordering_keeps_the_leases() {
    let shop = Shop::open("").await;
    for person in ["7001", "7002", "7003"] {
        shop.say(person, 2).await;
    }
    shop.until("all is read", |state| state["lag"]["positions"] == 0)
        .await;
    let worker = shop.worker("w");
    let first = worker.next().await;
    assert_eq!(worker.do_work(&first).await, "acked");
    shop.reload(&format!("{BOT}lane = 'account'\n"));
    shop.serves().await;
    let summary = shop.closes(shop.hire(2), &[]).await;
    assert_eq!(summary.repeats, 0);
}

#[tokio::test]
async fn a_renamed_consumer_starts_anew_and_the_old_name_goes_on_where_it_was() {
    let shop = Shop::open("").await;
    shop.say("7001", 2).await;
    let worker = shop.worker("w");
    let first = worker.next().await;
    assert_eq!(worker.do_work(&first).await, "acked");
    let second = worker.next().await;

    shop.reload(&BOT.replace("bot", "robot"));
    let answer = worker.post("lease", &json!({})).await;
    assert_eq!(answer.unwrap().0, 404);
    shop.say("7001", 1).await;

    shop.reload(BOT);
    shop.serves().await;
    assert!(worker.lease(10, 0.2).await.is_empty(), "its head is out");
    assert_eq!(worker.do_work(&second).await, "acked");
    let third = worker.next().await;
    assert_eq!(worker.do_work(&third).await, "acked");
    let summary = shop.closes(Staff::default(), &[]).await;
    assert_eq!((summary.hand_outs, summary.repeats), (3, 0));
}

#[tokio::test]
async fn a_name_that_moves_to_the_destinations_and_back_keeps_its_place() {
    let shop = Shop::open("").await;
    shop.say("7001", 1).await;
    let worker = shop.worker("w");
    assert_eq!(worker.do_work(&worker.next().await).await, "acked");
    let becomes = async |kind: &str| {
        let mut database = shop.connect().await;
        let is_of = "SELECT kind = $1 AND settled = 1 FROM consumers WHERE name = 'bot'";
        eventually("the kind is stored", async || {
            let is_of = sqlx::query_scalar::<_, bool>(is_of).bind(kind);
            is_of.fetch_one(&mut database).await.unwrap()
        })
        .await;
    };
    shop.reload("[destinations.bot]\nurl = 'http://127.0.0.1:1/'\nreach = 'private'\n");
    becomes("destination").await;
    let list = shop.server().run(&["destinations", "list", "--json"]);
    assert!(String::from_utf8_lossy(&list.stdout).contains("bot"));
    shop.reload(BOT);
    becomes("consumer").await;
    shop.serves().await;
    shop.say("7001", 1).await;
    let summary = shop.closes(shop.hire(1), &[]).await;
    assert_eq!((summary.hand_outs, summary.repeats), (2, 0));
}
