//! A purge leaves the tables as if nothing had been simulated: after a complete run, after an
//! interruption, and beside a running server.

mod beside;

use std::sync::atomic::{AtomicBool, Ordering};

use hookshelf::{
    meta::event::Source,
    store::{
        Delivery, Error,
        purge::{Plan, Purge, Purged},
    },
};

use super::{
    Session, World,
    items::{comment, days_ago, delivery, message},
    stats::{self, Numbers, any_delivery},
};

/// Contents of a database for comparison, without positions and `last_seen`.
const CONTENTS: &str = "
    SELECT 'delivery ' || id || source || event_count FROM deliveries
    UNION ALL
    SELECT 'event ' || concat_ws(' ', delivery_id, received_at, app, kind, account_id, person_id,
                                 text, payload, source, dedupe_key) FROM events
    UNION ALL
    SELECT 'repeat ' || concat_ws(' ', delivery_id, received_at, app, kind, account_id, source,
                                  dedupe_key) FROM repeats
    UNION ALL
    SELECT 'key ' || key FROM dedupe
    UNION ALL
    SELECT 'account ' || app || ' ' || account_id FROM accounts
    UNION ALL
    SELECT 'count ' || stats_hourly FROM stats_hourly
    ORDER BY 1";

/// Simulated rows.
const SIMULATED: &str = "
    SELECT 'delivery' FROM deliveries WHERE source = 'simulated'
    UNION ALL SELECT 'event' FROM events WHERE source = 'simulated'
    UNION ALL SELECT 'repeat' FROM repeats WHERE source = 'simulated'
    UNION ALL SELECT 'count' FROM stats_hourly WHERE source = 'simulated'";

/// Inconsistencies that no interruption or race may leave.
const BROKEN: &str = "
    SELECT 'event without a key: ' || position FROM events
    WHERE dedupe_key NOT IN (SELECT key FROM dedupe)
    UNION ALL
    SELECT 'key without an event: ' || key FROM dedupe
    WHERE key NOT IN (SELECT dedupe_key FROM events)
    UNION ALL
    SELECT 'repeat without an event: ' || position FROM repeats
    WHERE source <> 'simulated' AND dedupe_key NOT IN (SELECT dedupe_key FROM events)
    UNION ALL
    SELECT 'doubled: ' || dedupe_key FROM events GROUP BY dedupe_key HAVING count(*) > 1
    UNION ALL
    SELECT 'delivery without its events: ' || id FROM deliveries
    WHERE source <> 'simulated' AND event_count <>
        (SELECT count(*) FROM events WHERE delivery_id = id)
        + (SELECT count(*) FROM repeats WHERE delivery_id = id)";

fn simulated(delivery: Delivery) -> Delivery {
    Delivery {
        source: Source::Simulated,
        ..delivery
    }
}

impl World {
    async fn purge(&self) -> Purge {
        Purge::open(&self.db.options()).await.unwrap()
    }

    /// Purges all days and returns the numbers of deleted rows.
    pub(super) async fn purge_all(&self) -> Vec<Purged> {
        let mut purge = self.purge().await;
        purge.begin().await.unwrap();
        let mut purged = Vec::new();
        for day in purge.plan().days {
            purged.push(purge.day(day.day).await.unwrap());
        }
        purge.finish().await.unwrap();
        purged
    }

    async fn assert_whole(&self) {
        assert_eq!(self.texts(BROKEN).await, Vec::<String>::new());
        stats::count(self, 1_000).await;
        assert_eq!(self.texts(stats::WRONG).await, Vec::<String>::new());
        self.list_conversations(1_000).await;
        assert_eq!(self.wrong_lists().await, Vec::<String>::new());
    }
}

/// Commits deliveries one by one.
async fn commit_all<'a>(writer: &mut Session, all: impl IntoIterator<Item = &'a Delivery>) {
    for delivery in all {
        writer.commit(std::slice::from_ref(delivery)).await;
    }
}

#[tokio::test]
async fn after_a_purge_it_is_as_if_nothing_had_been_simulated() {
    for seed in [11, 12] {
        let (world, without) = (World::create().await, World::create().await);
        let mut numbers = Numbers(seed);
        let all: Vec<_> = (0..50).map(|_| any_delivery(&mut numbers)).collect();
        commit_all(&mut world.writer().await, &all).await;
        // The counts may be up to date or behind.
        if seed % 2 == 0 {
            stats::count(&world, 30).await;
            world.list_conversations(30).await;
        }
        let real = all.iter().filter(|one| one.source != Source::Simulated);
        commit_all(&mut without.writer().await, real).await;
        stats::count(&without, 1_000).await;

        let purged = world.purge_all().await;
        let turned: u64 = purged.iter().map(|purged| purged.turned).sum();
        assert!(turned > 0, "some came again by something else");
        assert_eq!(world.texts(SIMULATED).await, Vec::<String>::new());
        world.assert_whole().await;
        assert_eq!(
            world.texts(CONTENTS).await,
            without.texts(CONTENTS).await,
            "seed {seed}"
        );
        assert_eq!(world.purge().await.plan(), Plan::default());
    }
}

#[tokio::test]
async fn the_same_bodies_are_new_events_afterwards_also_from_the_window_before() {
    let world = World::create().await;
    let mut writer = world.writer().await;
    let batch = |events| [simulated(delivery(events))];
    writer.commit(&batch(vec![comment(1), message(2)])).await;
    hookshelf::store::epoch::flip(&mut world.connect().await, 1, super::now())
        .await
        .unwrap();
    writer.commit(&batch(vec![comment(3), comment(1)])).await;
    assert_eq!(world.purge_all().await[0].keys, 3);
    let again = batch(vec![comment(1), message(2), comment(3)]);
    assert_eq!(writer.commit(&again).await[0].new, 3);
}

/// The key of an old simulated event has expired and now belongs to another event.
#[tokio::test]
async fn a_key_that_another_event_has_by_now_stays() {
    let world = World::create().await;
    let mut writer = world.writer().await;
    writer
        .commit(&[simulated(days_ago(20, vec![comment(1)]))])
        .await;
    world.run("DELETE FROM dedupe").await;
    writer.commit(&[days_ago(3, vec![comment(1)])]).await;
    world
        .run("UPDATE commit_fence SET epoch_since = now() - interval '1 day'")
        .await;
    let [purged] = world.purge_all().await[..] else {
        panic!("one day");
    };
    assert_eq!((purged.events, purged.keys, purged.turned), (1, 0, 0));
    let again = [delivery(vec![comment(1)])];
    assert_eq!(writer.commit(&again).await[0].repeated, 1);
    world.assert_whole().await;
}

#[tokio::test]
async fn a_purge_that_is_cut_off_leaves_less_to_do_and_nothing_broken() {
    let world = World::create().await;
    let mut writer = world.writer().await;
    let real = delivery(vec![comment(1), message(1)]);
    writer.commit(std::slice::from_ref(&real)).await;
    for day in 0_u32..3 {
        let events = (100 * day..100 * day + 40).map(comment).collect();
        let repeated = vec![comment(100 * day), comment(1)];
        let batch = [
            simulated(days_ago(day.into(), events)),
            simulated(days_ago(day.into(), repeated)),
        ];
        writer.commit(&batch).await;
    }
    let mut purge = world.purge().await;
    purge.begin().await.unwrap();
    let plan = purge.plan();
    assert_eq!(plan.days.len(), 3);
    purge.day(plan.days[0].day).await.unwrap();
    world.assert_whole().await;

    // The purge of the second day is cut off while it waits for the lock on the counts.
    let mut holder = world.connect().await;
    let hold = "BEGIN; SELECT FROM followers FOR UPDATE";
    sqlx::raw_sql(hold).execute(&mut holder).await.unwrap();
    let cut = async {
        world.until_waiting(1).await;
        world
            .run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE datname = current_database() AND application_name = 'hookshelf purge'",
            )
            .await;
    };
    let (purged, ()) = tokio::join!(purge.day(plan.days[1].day), cut);
    assert!(matches!(purged, Err(Error::Unavailable(_))), "{purged:?}");
    drop(holder);
    world.assert_whole().await;
    assert_eq!(world.purge().await.plan().days.len(), 2);

    world.purge_all().await;
    assert_eq!(world.texts(SIMULATED).await, Vec::<String>::new());
    world.assert_whole().await;
    assert_eq!(world.sizes().await, [1, 2, 0]);
    assert_eq!(writer.commit(&[delivery(real.events)]).await[0].repeated, 2);
}

#[tokio::test]
async fn a_purge_beside_a_writer_harms_nothing_that_arrives() {
    let world = World::create().await;
    let mut numbers = Numbers(99);
    let all: Vec<_> = (0..150).map(|_| any_delivery(&mut numbers)).collect();
    let (before, meanwhile) = all.split_at(70);
    let mut writer = world.writer().await;
    commit_all(&mut writer, before).await;
    let done = AtomicBool::new(false);
    let writing = async {
        commit_all(&mut writer, meanwhile).await;
        done.store(true, Ordering::Relaxed);
    };
    let purging = async {
        let mut turned = 0;
        while !done.load(Ordering::Relaxed) {
            turned += world
                .purge_all()
                .await
                .iter()
                .map(|day| day.turned)
                .sum::<u64>();
        }
        turned
    };
    let counting = async {
        while !done.load(Ordering::Relaxed) {
            stats::count(&world, 20).await;
            world.list_conversations(20).await;
        }
    };
    let ((), turned, ()) = tokio::join!(writing, purging, counting);
    assert!(turned > 0, "it met what came again");
    world.purge_all().await;
    assert_eq!(world.texts(SIMULATED).await, Vec::<String>::new());
    world.assert_whole().await;
    let real = all.iter().filter(|one| one.source != Source::Simulated);
    let deliveries = "SELECT count(*) FROM deliveries";
    assert_eq!(
        world.number(deliveries).await,
        i64::try_from(real.count()).unwrap()
    );
}

#[tokio::test]
async fn accounts_stay_that_anything_else_speaks_for() {
    let world = World::create().await;
    let of = |id: &str, number| {
        let mut event = comment(number);
        event.account_id = Some(id.into());
        event
    };
    world
        .run(
            "INSERT INTO accounts (app, account_id, first_seen, last_seen)
             VALUES ('default', 'earlier', now() - interval '9 days', now() - interval '9 days')",
        )
        .await;
    let mut writer = world.writer().await;
    writer.commit(&[delivery(vec![of("real", 1)])]).await;
    let ids = ["made", "labelled", "earlier", "real", "repeated", "dropped"];
    for (id, number) in ids.into_iter().zip(10..) {
        writer
            .commit(&[simulated(delivery(vec![of(id, number)]))])
            .await;
    }
    writer.commit(&[delivery(vec![of("repeated", 14)])]).await;
    world
        .run(
            "UPDATE accounts SET label = 'ours' WHERE account_id = 'labelled';
             INSERT INTO stats_hourly VALUES (now() - interval '1 year', 'default', 'dropped',
                                              'comment', 'live', 5, 0)",
        )
        .await;
    assert_eq!(world.purge().await.plan().accounts, 1);
    world.purge_all().await;
    let left = "SELECT account_id FROM accounts ORDER BY account_id";
    assert_eq!(
        world.texts(left).await,
        ["dropped", "earlier", "labelled", "real", "repeated"]
    );
}

#[tokio::test]
async fn counts_of_days_that_were_dropped_go_too() {
    let world = World::create().await;
    world
        .run(
            "INSERT INTO stats_hourly
             SELECT now() - interval '1 year', 'default', '1', 'comment', source, 5, 0
             FROM unnest(ARRAY['live', 'simulated']) AS source",
        )
        .await;
    assert_eq!(world.purge().await.plan().stats, 1);
    world.purge_all().await;
    assert_eq!(
        world.texts("SELECT source FROM stats_hourly").await,
        ["live"]
    );
}

#[tokio::test]
async fn a_second_purge_at_the_same_time_is_refused() {
    let world = World::create().await;
    let (mut one, mut other) = (world.purge().await, world.purge().await);
    one.begin().await.unwrap();
    let refused = other.begin().await.unwrap_err();
    assert!(refused.to_string().contains("another purge"), "{refused}");
}
