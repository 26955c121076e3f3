//! Servers that are killed between hand-out, ack, flush and answer.

use sqlx::{Connection, PgConnection};
use tokio::{runtime::Handle, task::block_in_place};

use super::{
    ledger::Verb,
    random::Random,
    shop::{Shop, Staff},
};
use crate::support::{directory::Directory, eventually, postgres::TestDatabase, proxy::Proxy};

/// A shop behind a proxy, with two messages of one person, and the database.
async fn shop_behind_a_proxy(lines: &str) -> (Shop, Proxy, TestDatabase) {
    let place = TestDatabase::create().await;
    let proxy = Proxy::to(place.options()).await;
    let at = (place.options(), Directory::create());
    let shop = Shop::open_behind(&proxy.url(), at, lines, &[]).await;
    shop.say("7001", 2).await;
    (shop, proxy, place)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ack_that_was_written_before_a_kill_is_done() {
    let (mut shop, proxy, _place) = shop_behind_a_proxy("lease = '1s'\n").await;
    let worker = shop.worker("w");
    let event = worker.next().await;
    shop.has_saved(event.position).await;
    worker.effect(&event);
    proxy.hold_answers();
    let (answer, ()) = tokio::join!(worker.settle(Verb::Ack, &event), async {
        let mut database = shop.connect().await;
        eventually("the ack is written", async || {
            let written = sqlx::query_scalar("SELECT settled = 1 FROM consumers");
            written.fetch_one(&mut database).await.unwrap()
        })
        .await;
        shop.restart_after(|| proxy.mend());
    });
    assert_eq!(answer, None);
    assert_eq!(worker.ack(&event).await, "already");
    let summary = shop.closes(shop.hire(1), &[]).await;
    assert_eq!((summary.hand_outs, summary.repeats), (2, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ack_that_was_not_written_before_a_kill_can_be_repeated() {
    let (mut shop, proxy, _place) = shop_behind_a_proxy("").await;
    let worker = shop.worker("w");
    let event = worker.next().await;
    shop.has_saved(event.position).await;
    worker.effect(&event);
    proxy.freeze();
    let (answer, ()) = tokio::join!(worker.settle(Verb::Ack, &event), async {
        eventually("the owner has the ack", async || {
            let metrics = shop.server().ask_admin("/metrics").await.body;
            let metrics = String::from_utf8_lossy(&metrics).into_owned();
            metrics.contains(r#"hookshelf_consumer_settles_total{consumer="bot",answer="acked"} 1"#)
        })
        .await;
        shop.restart_after(|| {
            proxy.cut();
            proxy.mend();
        });
    });
    assert_eq!(answer, None);
    shop.serves().await;
    assert!(
        worker.lease(10, 0.5).await.is_empty(),
        "the head is held back"
    );
    assert_eq!(worker.ack(&event).await, "acked");
    let summary = shop.closes(shop.hire(1), &[]).await;
    assert_eq!((summary.hand_outs, summary.repeats), (2, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ack_of_an_event_that_is_not_read_again_yet_can_be_repeated() {
    let mut shop = Shop::open("").await;
    shop.say("7001", 1).await;
    shop.until("all is read", |state| state["lag"]["positions"] == 0)
        .await;
    let (mut saves, mut reads) = (shop.connect().await, shop.connect().await);
    let (mut saves, mut reads) = (saves.begin().await.unwrap(), reads.begin().await.unwrap());
    run("SELECT FROM consumers FOR UPDATE", &mut saves).await;
    let worker = shop.worker("w");
    let event = worker.next().await;
    shop.restart_after(|| {
        block_in_place(|| {
            Handle::current().block_on(async {
                let save = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
                            WHERE datname = current_database() AND wait_event_type = 'Lock'";
                run(save, &mut saves).await;
                run("LOCK TABLE events", &mut reads).await;
                saves.rollback().await.unwrap();
            });
        });
    });
    shop.serves().await;
    worker.effect(&event);
    assert_eq!(worker.settle(Verb::Ack, &event).await, None);
    reads.rollback().await.unwrap();
    assert_eq!(worker.ack(&event).await, "acked");
    let summary = shop.closes(Staff::default(), &[]).await;
    assert_eq!((summary.hand_outs, summary.repeats), (1, 0));
}

async fn run(sql: &'static str, connection: &mut PgConnection) {
    sqlx::raw_sql(sql).execute(connection).await.unwrap();
}

#[tokio::test]
async fn a_lease_outlives_a_kill_of_the_server() {
    let mut shop = Shop::open("").await;
    shop.say("7001", 2).await;
    shop.say("7002", 1).await;
    shop.until("all is read", |state| state["lag"]["positions"] == 0)
        .await;
    let (worker, other) = (shop.worker("w"), shop.worker("other"));
    let events = [worker.next().await, other.next().await];
    shop.has_saved(events[1].position).await;
    // A crash does not tell this event, which is ready, from one that is out.
    worker.release(&events[..1]).await;
    shop.restart();
    shop.serves().await;
    assert!(
        worker.lease(10, 0.5).await.is_empty(),
        "the heads are held back"
    );
    for event in &events {
        assert_eq!(worker.do_work(event).await, "acked");
    }
    let summary = shop.closes(shop.hire(1), &[]).await;
    assert_eq!((summary.hand_outs, summary.repeats), (3, 0));
}

#[tokio::test]
async fn failed_attempts_outlive_a_kill_of_the_server() {
    let mut shop = Shop::open("lease = '1s'\n").await;
    shop.say("7001", 2).await;
    let worker = shop.worker("w");
    for attempt in 1..=3 {
        let event = worker.next().await;
        assert_eq!(event.attempt, attempt);
        let nack = worker.settle(Verb::Nack, &event).await;
        assert_eq!(nack.as_deref(), Some("waiting"));
        shop.restart();
    }
    let event = worker.next().await;
    assert_eq!((event.attempt, event.redelivered), (4, true));
    worker.do_work(&event).await;
    shop.closes(shop.hire(1), &[]).await;
}

#[tokio::test]
async fn a_server_killed_at_any_moment_loses_and_reorders_nothing() {
    let mut random = Random::seeded();
    let mut shop = Shop::open("lease = '1s'\n").await;
    let mut staff: Staff = shop.hire(3);
    let bad = shop.worker("bad").with_leases(1.0);
    staff
        .tasks
        .spawn(bad.work_badly(random.fork(), staff.end.clone()));
    for _ in 0..6 {
        for _ in 0..30 {
            let person = (7001 + random.below(15)).to_string();
            shop.say(&person, 1 + usize::try_from(random.below(6)).unwrap())
                .await;
        }
        let moment = shop.ledger.effects() + usize::try_from(random.below(40)).unwrap();
        eventually("some effects happen, or all", async || {
            shop.ledger.effects() >= moment.min(shop.events().await.len())
        })
        .await;
        shop.restart();
    }
    shop.closes(staff, &[]).await;
}
