//! Postgres that is killed, away for longer than the ownership, and back; and a spool that drains.

use std::time::Duration;

use jiff::SignedDuration;

use super::shop::{Shop, Staff};
use crate::support::{cluster::Cluster, eventually};

/// Longer than the ownership of a consumer.
const AWAY: Duration = Duration::from_secs(16);

#[tokio::test(flavor = "multi_thread")]
async fn leases_outlive_a_postgres_that_is_away() {
    let mut postgres = Cluster::start_with(&[]).await;
    let shop = Shop::open_at(&postgres, "").await;
    for person in ["7001", "7002", "7003"] {
        shop.say(person, 3).await;
    }
    shop.until("all is read", |state| state["lag"]["positions"] == 0)
        .await;
    let (worker, short) = (shop.worker("w"), shop.worker("short").with_leases(1.0));
    let (held, settled, _expired) = (worker.next().await, worker.next().await, short.next().await);
    postgres.kill();
    worker.effect(&settled);
    let (answer, ()) = tokio::join!(worker.ack(&settled), async {
        tokio::time::sleep(AWAY).await;
        postgres.start().await;
    });
    assert!(["acked", "already"].contains(&&*answer), "{answer}");
    assert_eq!(worker.do_work(&held).await, "acked");
    let again = worker.next().await;
    worker.do_work(&again).await;
    let summary = shop.closes(shop.hire(2), &[]).await;
    assert_eq!(summary.repeats, 1, "{summary:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_go_on_through_kills_of_postgres() {
    let mut postgres = Cluster::start_with(&[]).await;
    let shop = Shop::open_at(&postgres, "").await;
    let staff: Staff = shop.hire(3);
    for round in 1..=3 {
        for person in 7001..7011 {
            shop.say(&person.to_string(), 4).await;
        }
        eventually("work goes on", async || {
            shop.ledger.effects() >= 40 * round - 20
        })
        .await;
        postgres.kill();
        postgres.start().await;
    }
    let summary = shop.closes(staff, &[]).await;
    assert_eq!(summary.repeats, 0, "{summary:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spool_drained_into_a_bot_hands_out_what_is_not_too_old() {
    let mut postgres = Cluster::start_with(&[]).await;
    let shop = Shop::open_at(&postgres, "max_age = '10min'\n").await;
    let staff = shop.hire(1);
    postgres.stop();
    for age in [45, 30] {
        shop.say_since("7001", 2, SignedDuration::from_mins(age))
            .await;
    }
    shop.say("7001", 2).await;
    shop.say("7002", 1).await;
    postgres.start().await;
    eventually("the spool is drained", async || {
        shop.events().await.len() == 7
    })
    .await;
    let old: Vec<_> = shop.events().await[..4].iter().map(|(it, _)| *it).collect();
    let summary = shop.closes(staff, &old).await;
    assert_eq!(summary.hand_outs, 3);
    assert_eq!(shop.state().await["skipped"]["too_old"], 4);
}
