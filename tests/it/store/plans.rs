//! Plan of the commit statement: planned once, for batches and tables of any size. Partitions that a
//! reparse and a replay read.

use hookshelf::{
    ingest::reparse::Reparse,
    query::EventFilter,
    store::{Delivery, ReplayRange, ReplayReader, epoch, replays::ReplayChoice},
};
use jiff::SignedDuration;

use super::{
    Session, World,
    items::{ago, comment, days_ago, delivery, message},
    now,
    reparse::{messages, with_body},
};
use crate::support::older;

impl World {
    /// Fills the current and the previous window with `keys` keys each, and several days with rows.
    async fn grow(&self, keys: u32) {
        let days = (1_u32..=10).map(|day| days_ago(day.into(), vec![comment(day)]));
        let days: Vec<_> = days.collect();
        self.writer().await.commit(&days).await;
        epoch::flip(&mut self.connect().await, 1, now())
            .await
            .unwrap();
        let fill = format!(
            "INSERT INTO dedupe SELECT epoch, gen_random_uuid(), 0
             FROM generate_series(1, 2) AS epoch, generate_series(1, {keys});
             INSERT INTO stored_events (delivery_id, received_at, app, kind, is_echo, is_self,
                                        item_start, item_length, source, dedupe_key, message_id,
                                        comment_id)
             SELECT gen_random_uuid(), now() - (n % 10) * interval '1 day', 'default', 'comment',
                    false, false, 0, 0, 'live', gen_random_uuid(), 'm' || n, 'c' || n
             FROM generate_series(1, {keys} / 10) AS n;
             INSERT INTO accounts (app, account_id, first_seen, last_seen)
             SELECT 'default', 'account-' || n, now(), now() FROM generate_series(1, {keys} / 10) AS n;
             ANALYZE"
        );
        self.run(&fill).await;
    }
}

/// Number of sequential scans and of index scans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Scans {
    whole: i64,
    by_index: i64,
}

impl Session {
    /// Scans by a commit of `deliveries`, of the tables that grow. Runs in a transaction, because a
    /// session sees its own statistics at once.
    async fn scans(&mut self, deliveries: &[Delivery]) -> Scans {
        let before = self.scanned().await;
        self.run("BEGIN").await;
        self.commit(deliveries).await;
        let after = self.scanned().await;
        self.run("COMMIT").await;
        Scans {
            whole: after.whole - before.whole,
            by_index: after.by_index - before.by_index,
        }
    }

    async fn scanned(&mut self) -> Scans {
        let scanned = sqlx::query_as(
            "SELECT coalesce(sum(seq_scan), 0)::bigint, coalesce(sum(idx_scan), 0)::bigint
             FROM pg_stat_xact_user_tables
             WHERE relname ~ '^(deliveries|events|repeats|dedupe|accounts)'",
        );
        let (whole, by_index) = scanned.fetch_one(&mut self.connection).await.unwrap();
        Scans { whole, by_index }
    }
}

/// `count` new items, and as many repeats.
fn batch(count: u32, before: u32) -> [Delivery; 2] {
    let new = (1_000 * count..).take(count as usize).map(message);
    let known = (0..count).map(|number| comment(1 + number % before));
    [delivery(new.collect()), delivery(known.collect())]
}

#[tokio::test]
async fn the_commit_probes_indexes_whatever_the_tables_held_when_they_were_analysed() {
    for keys in [0, 60, 100_000] {
        let world = World::create().await;
        world.grow(keys).await;
        let scans = world.writer().await.scans(&batch(10, 10)).await;
        assert_eq!(scans.whole, 0, "{keys} keys: {scans:?}");
        assert!(scans.by_index > 0, "{keys} keys: {scans:?}");
        // The counter notices a sequential scan.
        let mut session = world.writer().await;
        session
            .run("SET enable_indexscan = off; SET enable_bitmapscan = off")
            .await;
        session
            .run("SET enable_indexonlyscan = off; SET enable_seqscan = on")
            .await;
        assert!(session.scans(&batch(20, 10)).await.whole > 0);
    }
}

#[tokio::test]
async fn the_cost_of_a_batch_grows_with_its_length_and_not_its_square() {
    let world = World::create().await;
    world.grow(60).await;
    let mut session = world.writer().await;
    // The first batch also inserts the account.
    session.commit(&batch(10, 10)).await;
    let mut scans = Vec::new();
    for count in [100, 200, 400] {
        scans.push(session.scans(&batch(count, 10)).await.by_index);
    }
    let [first, second, third] = scans[..] else {
        unreachable!("three batches were sent")
    };
    assert_eq!(third - second, 2 * (second - first), "{scans:?}");
}

/// Twice Meta's documented maximum.
#[tokio::test]
async fn two_thousand_items_in_one_delivery_are_one_commit() {
    let world = World::create().await;
    let events: Vec<_> = (0..2_000).map(comment).collect();
    let mut session = world.writer().await;
    for _ in 0..2 {
        session.commit(&[delivery(events.clone())]).await;
    }
    assert_eq!(world.sizes().await, [2, 2_000, 2_000]);
}

/// Number of days with events, at consecutive positions, the oldest day first.
const DAYS: i64 = 90;

impl World {
    /// Ages in days of the partitions of events that the sessions of `name` read in `work`, with
    /// these scans.
    async fn days_read(&self, name: &str, scans: &str, work: impl Future<Output = ()>) -> Vec<i64> {
        self.run("ANALYZE").await;
        self.run("SELECT pg_stat_reset()").await;
        work.await;
        // A session reports its scans when it ends.
        let session = format!("application_name = '{name}'");
        self.until_sessions(0, &session).await;
        let days = format!(
            "SELECT ((now() AT TIME ZONE 'UTC')::date
                     - to_date(right(relname, 8), 'YYYYMMDD'))::text
             FROM pg_stat_user_tables WHERE relname ~ '^events_[0-9]' AND {scans} > 0"
        );
        let days = self.texts(&days).await;
        days.iter().map(|it| it.parse().unwrap()).collect()
    }
}

#[tokio::test]
async fn a_reparse_reads_the_days_of_its_events_and_those_around_them() {
    let world = World::create().await;
    let mut writer = world.writer().await;
    for ago in (0..DAYS).rev() {
        let number = u32::try_from(ago).unwrap();
        let said = with_body(days_ago(ago, Vec::new()), messages([number]));
        writer.commit(&[said]).await;
    }
    world.run(&older::unknown("true")).await;
    let around = |hours: i64| Some(ago(SignedDuration::from_hours(24 * 40 + hours)));
    let filter = EventFilter {
        since: around(1),
        until: around(-1),
        ..EventFilter::default()
    };
    let reparse = async {
        let options = world.db.options();
        let mut reparse = Reparse::open(&options, filter, None).await.unwrap();
        let plan = reparse.plan().await.unwrap();
        assert_eq!(reparse.run(&plan).await.unwrap().moved, 1);
    };
    let scans = "seq_scan + coalesce(idx_scan, 0)";
    let days = world.days_read("hookshelf reparse", scans, Box::pin(reparse));
    let days = days.await;
    let is_around = |day: &i64| (36..=44).contains(day);
    assert!(days.contains(&40) && days.iter().all(is_around), "{days:?}");
}

#[tokio::test]
async fn a_page_of_a_replay_reads_no_day_of_other_events_as_a_whole() {
    let world = World::create().await;
    let mut writer = world.writer().await;
    for ago in (0..DAYS).rev() {
        writer.commit(&[days_ago(ago, vec![comment(1)])]).await;
    }
    world
        .run(
            "TRUNCATE stored_events;
             INSERT INTO stored_events (position, delivery_id, received_at, app, kind, is_echo,
                                        is_self, item_start, item_length, source, dedupe_key)
             SELECT n, gen_random_uuid(), now() - (89 - n / 1000) * interval '1 day', 'default',
                    'comment', false, false, 0, 0, 'live', gen_random_uuid()
             FROM generate_series(1, 89999) AS n",
        )
        .await;
    let page = async {
        let mut reader = ReplayReader::open(&world.db.options()).await.unwrap();
        for after in [44_995, 45_011] {
            let range = ReplayRange {
                consumer: "bot",
                after,
                through: 89_999,
                limit: 16,
            };
            let page = reader.page(&ReplayChoice::default(), range).await.unwrap();
            assert_eq!((page.events.len(), page.through), (16, after + 16));
        }
    };
    // Postgres reads a small day of some of the events without an index.
    let whole = world.days_read("hookshelf reader", "seq_scan", Box::pin(page));
    let whole = whole.await;
    assert!(whole.iter().all(|day| (43..=46).contains(day)), "{whole:?}");
}
