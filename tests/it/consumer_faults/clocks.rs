//! Clocks that jump: the consumer pauses, and does not skip its events.

use serde_json::json;

use super::{
    ledger::Verb,
    random::Random,
    shop::{Shop, now},
};
use crate::support::{
    cluster::Cluster, directory::Directory, eventually, moved_clock::MovedClock,
    postgres::TestDatabase, proxy::Proxy,
};

const BOT: &str = "max_age = '10min'\n";

async fn shop_with_a_clock() -> (Shop, MovedClock) {
    let directory = Directory::create();
    let clock = MovedClock::create(directory.path());
    let shop = Shop::open_in(directory, BOT, &clock.variables()).await;
    (shop, clock)
}

impl Shop {
    async fn is_paused(&self) {
        self.until("the consumer is paused", |state| state["paused"] == "clock")
            .await;
        let worker = self.worker("w");
        let answer = worker.post("lease", &json!({})).await;
        assert_eq!(answer.unwrap().0, 409);
    }

    /// An operator resumes the consumer.
    async fn resume(&self) {
        let resume = "UPDATE consumers SET paused = NULL WHERE paused = 'clock'";
        let mut database = self.connect().await;
        eventually("the pause is stored, and ends", async || {
            let resumed = sqlx::query(resume).execute(&mut database).await.unwrap();
            resumed.rows_affected() == 1
        })
        .await;
        self.until("the consumer goes on", |state| state["paused"].is_null())
            .await;
    }
}

/// Events come before and after a jump, and all of them go out once the clock is right again.
async fn survives_a_jump(hours: i64) {
    let (shop, clock) = shop_with_a_clock().await;
    for person in 7001..7005 {
        shop.say(&person.to_string(), 2).await;
    }
    shop.until("all is read", |state| state["lag"]["positions"] == 0)
        .await;
    let worker = shop.worker("w");
    let event = worker.next().await;
    clock.move_by(hours);
    assert_eq!(worker.do_work(&event).await, "acked", "settlements go on");
    for person in 7004..7012 {
        shop.say(&person.to_string(), 1).await;
    }
    shop.is_paused().await;
    clock.move_by(0);
    shop.resume().await;
    let summary = shop.closes(shop.hire(2), &[]).await;
    assert_eq!((summary.hand_outs, summary.repeats), (16, 0));
    assert_eq!(shop.state().await["skipped"]["too_old"], 0);
}

#[tokio::test]
async fn a_clock_that_jumps_forward_pauses_the_consumer_and_skips_nothing() {
    survives_a_jump(1).await;
}

#[tokio::test]
async fn a_clock_that_jumps_back_pauses_the_consumer_and_skips_nothing() {
    survives_a_jump(-1).await;
}

#[tokio::test]
async fn a_clock_of_meta_that_jumps_pauses_the_consumer() {
    let shop = Shop::open(BOT).await;
    for person in 7001..7009 {
        let hour = jiff::SignedDuration::from_hours(1);
        shop.say_since(&person.to_string(), 1, hour).await;
    }
    shop.is_paused().await;
    let skipped = shop.state().await["skipped"]["too_old"].as_u64().unwrap();
    assert!(skipped < 5, "{skipped}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_begins_during_a_flush_stays() {
    let (place, directory) = (TestDatabase::create().await, Directory::create());
    let proxy = Proxy::to(place.options()).await;
    let clock = MovedClock::create(directory.path());
    let at = (place.options(), directory);
    let shop = Shop::open_behind(&proxy.url(), at, BOT, &clock.variables()).await;
    shop.say("7001", 2).await;
    let worker = shop.worker("w");
    let event = worker.next().await;
    shop.has_saved(event.position).await;
    worker.effect(&event);
    proxy.hold_answers();
    let (answer, ()) = tokio::join!(worker.settle(Verb::Ack, &event), async {
        let mut database = shop.connect().await;
        eventually("the flush is written", async || {
            let settled = "SELECT settled = 1 FROM consumers WHERE name = 'bot'";
            sqlx::query_scalar(settled)
                .fetch_one(&mut database)
                .await
                .unwrap()
        })
        .await;
        clock.move_by(1);
        // A call lets the owner look at the clock while its flush runs.
        shop.worker("other").release(&[]).await;
        proxy.mend();
    });
    assert_eq!(answer.as_deref(), Some("acked"));
    shop.is_paused().await;
    clock.move_by(0);
    shop.resume().await;
    let summary = shop.closes(shop.hire(1), &[]).await;
    assert_eq!((summary.hand_outs, summary.repeats), (2, 0));
}

/// Workers go on while the clock of the database jumps and the server is killed.
async fn survives_a_jump_of_the_database(hours: i64) {
    let mut random = Random::seeded();
    let (postgres, clock) = Cluster::start_with_a_clock().await;
    let mut shop = Shop::open_at(&postgres, "lease = '2s'\n").await;
    let mut staff = shop.hire(2);
    let bad = shop.worker("bad").with_leases(1.0);
    let bad = bad.work_badly(random.fork(), staff.end.clone());
    staff.tasks.spawn(bad);
    for moved in [hours, hours, 0, 0] {
        clock.move_by(moved);
        let read = "SELECT extract(epoch FROM clock_timestamp())::bigint";
        let read = sqlx::query_scalar::<_, i64>(read);
        let read = read.fetch_one(&mut postgres.connect().await).await.unwrap();
        let differs = (read - now().as_second() - moved * 3600).abs();
        assert!(differs < 1800, "by {differs} s");
        for person in 7001..7011 {
            shop.say(&person.to_string(), 2).await;
        }
        let effects = shop.ledger.effects() + 10;
        eventually("work goes on", async || shop.ledger.effects() >= effects).await;
        shop.restart();
    }
    shop.closes(staff, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_of_the_database_that_jumps_forward_loses_and_reorders_nothing() {
    survives_a_jump_of_the_database(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_of_the_database_that_jumps_back_loses_and_reorders_nothing() {
    survives_a_jump_of_the_database(-1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_does_not_wait_longer_because_the_clock_of_the_database_was_set_back() {
    let (postgres, clock) = Cluster::start_with_a_clock().await;
    let mut shop = Shop::open_at(&postgres, "").await;
    shop.say("7001", 1).await;
    let worker = shop.worker("w");
    let event = worker.next().await;
    assert_eq!(
        worker.settle(Verb::Nack, &event).await.as_deref(),
        Some("waiting")
    );
    clock.move_by(-1);
    shop.restart();
    let summary = shop.closes(shop.hire(1), &[]).await;
    assert_eq!((summary.hand_outs, summary.repeats), (2, 1));
}
