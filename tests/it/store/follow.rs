//! Followers on a real Postgres: races, cut connections, overtaking commits, late days and long
//! absences.

use std::sync::atomic::{AtomicUsize, Ordering};

use hookshelf::{
    meta::event::Kind,
    store::{
        self, Connection, Error,
        follow::{Batch, Consumer, Follower, Start, Turn},
        partitions,
    },
};
use jiff::{SignedDuration, civil::Date};
use sqlx::AssertSqlSafe;

use super::{
    PATIENCE, World,
    items::{ago, comment, days_ago, delivery, delivery_at, message},
    now, number,
};

/// Consumer that copies positions into a table, in the transaction that moves the cursor.
#[derive(Default)]
struct Copying {
    /// Bounds of each consumed batch: after, through.
    batches: Vec<(i64, i64)>,
    /// Partitions of events locked by the transaction of the last batch.
    locked: Vec<String>,
    /// Number of the batch during which the session is terminated.
    dies_at: Option<usize>,
}

impl Consumer for Copying {
    async fn consume(&mut self, conn: &mut Connection, batch: &Batch) -> Result<(), Error> {
        self.locked = locked(conn).await;
        for event in batch.events(conn).await? {
            let copied = sqlx::query("INSERT INTO copied VALUES ($1, 'event')");
            copied.bind(event.position).execute(&mut *conn).await?;
        }
        let repeats = "INSERT INTO copied SELECT position, 'repeat' FROM repeats
                       WHERE position > $1 AND position <= $2";
        sqlx::query(repeats)
            .bind(batch.after)
            .bind(batch.through)
            .execute(&mut *conn)
            .await?;
        self.batches.push((batch.after, batch.through));
        if self.dies_at == Some(self.batches.len()) {
            let die = "SELECT pg_terminate_backend(pg_backend_pid())";
            sqlx::query(die).execute(conn).await?;
        }
        Ok(())
    }
}

/// Partitions of events that this session has locked.
async fn locked(conn: &mut Connection) -> Vec<String> {
    let held =
        "SELECT DISTINCT relname::text FROM pg_locks JOIN pg_class ON pg_class.oid = relation
                WHERE pid = pg_backend_pid() AND relname ~ '^events_[0-9]{8}$' ORDER BY relname";
    sqlx::query_scalar(held).fetch_all(conn).await.unwrap()
}

/// A follower and its session.
struct Reading {
    session: Connection,
    follower: Follower,
    copying: Copying,
}

impl World {
    /// A world with a table for copies.
    async fn to_follow() -> Self {
        let world = Self::create().await;
        world
            .run("CREATE TABLE copied (position bigint, what text)")
            .await;
        world
    }

    async fn reading(&self, start: Start, limit: u32) -> Reading {
        let session = store::connect_follower(&self.db.options(), PATIENCE).await;
        Reading {
            session: session.unwrap(),
            follower: Follower::new("copying", start, limit),
            copying: Copying::default(),
        }
    }

    /// Positions of the log that were not copied, and copies that are doubled or not in the log.
    async fn differences(&self) -> Vec<String> {
        self.texts(
            "WITH log AS (SELECT position, 'event' AS what FROM events
                          UNION ALL SELECT position, 'repeat' FROM repeats)
             SELECT 'missed ' || d FROM (SELECT * FROM log EXCEPT ALL SELECT * FROM copied) AS d
             UNION ALL
             SELECT 'too many ' || d FROM (SELECT * FROM copied EXCEPT ALL SELECT * FROM log) AS d",
        )
        .await
    }

    /// Position of the follower.
    async fn cursor(&self) -> i64 {
        self.number("SELECT position FROM followers WHERE name = 'copying'")
            .await
    }

    /// Simulates an absence of the follower of so many days.
    async fn age(&self, days: u32) {
        let sql =
            format!("UPDATE followers SET caught_up_at = caught_up_at - {days} * interval '1 day'");
        self.run(&sql).await;
    }
}

impl Reading {
    async fn turn(&mut self) -> Result<Turn, Error> {
        let Self {
            session,
            follower,
            copying,
        } = self;
        follower.turn(session, copying).await
    }

    /// Takes turns until the follower is idle.
    async fn read_all(&mut self) {
        while self.turn().await.unwrap() != Turn::Idle {}
    }
}

/// Name of the partition of events of a day.
fn partition(day: Date) -> String {
    format!("events_{}", day.strftime("%Y%m%d"))
}

/// Partitions that a follower opens if nothing is late.
fn around_now() -> Vec<String> {
    let around = [2, -2].map(|hours| store::day(ago(SignedDuration::from_hours(hours))));
    let mut names = around.map(partition).to_vec();
    names.dedup();
    names
}

#[tokio::test]
async fn a_follower_takes_everything_that_several_writers_commit_exactly_once() {
    const WRITERS: u32 = 4;
    let world = World::to_follow().await;
    let mut reading = world.reading(Start::Beginning, 7).await;
    let done = AtomicUsize::new(0);
    let write = async |writer: u32| {
        let mut session = world.writer().await;
        for round in 0..30 {
            let own = 1_000_000 * (writer + 1) + round;
            let batch = [
                delivery(vec![comment(own), message(own)]),
                delivery(vec![comment(round)]),
                days_ago(3, vec![comment(own + 500_000), comment(round)]),
            ];
            // A new session, as in production, if this one misses the new day for good.
            while let Err(error) = session.try_commit(&batch).await {
                assert!(matches!(error, Error::MissingPartition(_)), "{error}");
                session = world.writer().await;
            }
        }
        done.fetch_add(1, Ordering::Relaxed);
    };
    let read = async {
        let mut last = false;
        while !last {
            last = done.load(Ordering::Relaxed) == WRITERS as usize;
            reading.read_all().await;
        }
    };
    tokio::join!(write(0), write(1), write(2), write(3), read);
    assert_eq!(world.differences().await, Vec::<String>::new());
    assert!(world.sizes().await[2] >= i64::from(WRITERS * 30));
    let batches = &reading.copying.batches;
    assert!(batches.len() > 20, "it read while they wrote: {batches:?}");
    assert!(
        batches.windows(2).all(|pair| pair[0].1 <= pair[1].0),
        "each goes on where the one before ended: {batches:?}"
    );
}

#[tokio::test]
async fn what_ends_between_reading_and_committing_is_done_again() {
    let world = World::to_follow().await;
    let events = (1..=25).map(comment).collect();
    world.writer().await.commit(&[delivery(events)]).await;
    let mut reading = world.reading(Start::Beginning, 10).await;
    reading.copying.dies_at = Some(2);
    reading.turn().await.unwrap();
    let before = world.cursor().await;
    let cut = reading.turn().await;
    assert!(matches!(cut, Err(Error::Unavailable(_))), "{cut:?}");
    assert_eq!(world.cursor().await, before);

    // A new session of the same follower continues with its state in memory.
    reading.session = store::connect_follower(&world.db.options(), PATIENCE)
        .await
        .unwrap();
    reading.read_all().await;
    assert_eq!(world.differences().await, Vec::<String>::new());
    assert_eq!(reading.copying.batches.len(), 4);
}

#[tokio::test]
async fn what_is_late_or_early_is_found_in_its_day_and_no_other_day_is_opened() {
    let world = World::to_follow().await;
    let mut writer = world.writer().await;
    // Days that the follower does not need.
    let old: Vec<_> = (1_u32..=9)
        .map(|day| days_ago(day.into(), vec![comment(day)]))
        .collect();
    writer.commit(&old).await;
    let mut reading = world.reading(Start::Beginning, 1_000).await;
    reading.read_all().await;

    writer
        .commit(&[delivery(vec![comment(20), comment(20)])])
        .await;
    reading.read_all().await;
    assert_eq!(reading.copying.locked, around_now());

    let late = store::day(ago(SignedDuration::from_hours(24 * 7)));
    writer
        .commit(&[days_ago(7, vec![comment(21), comment(1)])])
        .await;
    reading.turn().await.unwrap();
    let mut expected = vec![partition(late)];
    expected.extend(around_now());
    assert_eq!(reading.copying.locked, expected);

    writer.commit(&[days_ago(-5, vec![comment(22)])]).await;
    reading.turn().await.unwrap();
    let mut expected = around_now();
    expected.push(partition(store::day(ago(SignedDuration::from_hours(
        -24 * 5,
    )))));
    assert_eq!(reading.copying.locked, expected);
    assert_eq!(world.differences().await, Vec::<String>::new());

    // A late day is not opened again.
    writer.commit(&[delivery(vec![comment(23)])]).await;
    reading.read_all().await;
    assert_eq!(reading.copying.locked, around_now());
    assert_eq!(world.differences().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_follower_that_is_far_behind_opens_a_few_days_at_a_time() {
    let world = World::to_follow().await;
    let mut writer = world.writer().await;
    for day in (0_u32..40).rev() {
        let events = (day * 100..day * 100 + 20).map(comment).collect();
        writer.commit(&[days_ago(day.into(), events)]).await;
        // Adds a repeat and a late delivery.
        writer
            .commit(&[days_ago(i64::from(day) + 1, vec![comment(day * 100)])])
            .await;
    }
    let mut reading = world.reading(Start::Beginning, 50).await;
    let mut turns = 0;
    while reading.turn().await.unwrap() != Turn::Idle {
        turns += 1;
        let locked = &reading.copying.locked;
        assert!(locked.len() <= 4, "{locked:?}");
    }
    assert_eq!(world.differences().await, Vec::<String>::new());
    assert!(turns >= 840 / 50, "bounded batches: {turns}");

    // After an absence the earlier days are not opened.
    world.age(20).await;
    writer.commit(&[delivery(vec![comment(9_999)])]).await;
    reading.read_all().await;
    assert_eq!(world.differences().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_follower_of_an_empty_database_rests_and_begins_with_the_first_event() {
    let world = World::to_follow().await;
    let mut reading = world.reading(Start::Beginning, 10).await;
    assert_eq!(reading.turn().await.unwrap(), Turn::Idle);
    assert_eq!(world.cursor().await, 0);
    let rested = "SELECT count(*) FROM followers WHERE caught_up_at IS NOT NULL";
    assert_eq!(world.number(rested).await, 1);
    // An idle turn writes nothing.
    let version = "SELECT xmin::text::bigint FROM followers";
    let before = world.number(version).await;
    assert_eq!(reading.turn().await.unwrap(), Turn::Idle);
    assert_eq!(world.number(version).await, before);

    world
        .writer()
        .await
        .commit(&[delivery(vec![comment(1)])])
        .await;
    let Turn::Moved(lag) = reading.turn().await.unwrap() else {
        panic!("it moves");
    };
    assert_eq!((lag.positions, lag.time), (0, SignedDuration::ZERO));
    assert_eq!(world.differences().await, Vec::<String>::new());
}

#[tokio::test]
async fn one_that_begins_now_takes_nothing_from_before() {
    let world = World::to_follow().await;
    let mut writer = world.writer().await;
    writer
        .commit(&[delivery(vec![comment(1), comment(1)])])
        .await;
    let mut reading = world.reading(Start::Now, 10).await;
    assert_eq!(reading.turn().await.unwrap(), Turn::Idle);
    writer
        .commit(&[days_ago(4, vec![comment(2), comment(1)])])
        .await;
    reading.read_all().await;
    let copied = "SELECT what FROM copied ORDER BY position";
    assert_eq!(world.texts(copied).await, ["event", "repeat"]);
}

#[tokio::test]
async fn two_sessions_of_one_follower_share_the_work() {
    let world = World::to_follow().await;
    let events = (1..=400).map(comment).collect();
    world.writer().await.commit(&[delivery(events)]).await;
    let (mut one, mut other) = (
        world.reading(Start::Beginning, 9).await,
        world.reading(Start::Beginning, 9).await,
    );
    tokio::join!(one.read_all(), other.read_all());
    assert_eq!(world.differences().await, Vec::<String>::new());
    let batches = one.copying.batches.len() + other.copying.batches.len();
    assert_eq!(batches, 400_usize.div_ceil(9));
}

#[tokio::test]
async fn a_follower_that_another_session_holds_is_left_to_it() {
    let world = World::to_follow().await;
    let mut reading = world.reading(Start::Beginning, 9).await;
    reading.read_all().await;
    world
        .writer()
        .await
        .commit(&[delivery(vec![comment(1)])])
        .await;
    let mut holder = world.connect().await;
    let hold = "BEGIN; SELECT FROM followers WHERE name = 'copying' FOR UPDATE";
    sqlx::raw_sql(hold).execute(&mut holder).await.unwrap();
    let hurry = "SET lock_timeout = '10ms'";
    sqlx::raw_sql(hurry)
        .execute(&mut reading.session)
        .await
        .unwrap();
    assert_eq!(reading.turn().await.unwrap(), Turn::Taken);
    drop(holder);
    let patience = "SET lock_timeout = '30s'";
    sqlx::raw_sql(patience)
        .execute(&mut reading.session)
        .await
        .unwrap();
    reading.read_all().await;
    assert_eq!(world.differences().await, Vec::<String>::new());
}

#[tokio::test]
async fn days_that_were_dropped_are_passed_over() {
    let world = World::to_follow().await;
    let mut writer = world.writer().await;
    for day in (0_u32..8).rev() {
        let events = (day * 10..day * 10 + 5).map(comment).collect();
        writer.commit(&[days_ago(day.into(), events)]).await;
    }
    let mut reading = world.reading(Start::Beginning, 3).await;
    for _ in 0..3 {
        reading.turn().await.unwrap();
    }
    // Days before the cursor, at the cursor, and one that the follower has already charted.
    for day in [7, 6, 4] {
        let day = store::day(ago(SignedDuration::from_hours(24 * day)));
        partitions::drop_day(&mut world.connect().await, day)
            .await
            .unwrap();
    }
    reading.read_all().await;
    let missed = "SELECT count(*) FROM events WHERE position NOT IN (SELECT position FROM copied)";
    assert_eq!(world.number(missed).await, 0);
    let twice = "SELECT count(*) - count(DISTINCT position) FROM copied";
    assert_eq!(world.number(twice).await, 0);
}

#[tokio::test]
async fn erased_events_are_followed_as_they_are() {
    let world = World::to_follow().await;
    world
        .writer()
        .await
        .commit(&[delivery(vec![comment(1)])])
        .await;
    world
        .run(
            "UPDATE stored_events SET data = NULL, text = NULL, username = NULL, erased_at = now()",
        )
        .await;
    world.reading(Start::Beginning, 9).await.read_all().await;
    assert_eq!(world.differences().await, Vec::<String>::new());
}

/// An open commit has drawn positions that are not visible yet.
#[tokio::test]
async fn a_commit_on_its_way_is_waited_for_by_nobody_and_missed_by_nobody() {
    let world = World::to_follow().await;
    let mut reading = world.reading(Start::Beginning, 9).await;
    reading.read_all().await;
    let mut slow = world.writer().await;
    slow.run("BEGIN").await;
    slow.commit(&[delivery(vec![comment(1)])]).await;
    assert_eq!(reading.turn().await.unwrap(), Turn::Idle);
    slow.run("COMMIT").await;
    reading.read_all().await;
    assert_eq!(world.differences().await, Vec::<String>::new());
    assert_eq!(world.number("SELECT count(*) FROM copied").await, 1);
}

/// The planner uses an index for reading forward, whatever the statistics say.
#[tokio::test]
async fn reading_forward_goes_by_the_primary_keys() {
    let world = World::to_follow().await;
    world.run("ANALYZE").await;
    let mut session = store::connect_follower(&world.db.options(), PATIENCE)
        .await
        .unwrap();
    // An hour of one day, whenever the test runs: two partitions need a merge.
    let day = store::day(now());
    let (from, to) = (format!("{day} 00:00Z"), format!("{day} 01:00Z"));
    for table in ["events", "repeats"] {
        let explain = format!(
            "EXPLAIN (COSTS OFF) SELECT position FROM {table} WHERE position > 5 AND position <= 900
             AND (false OR received_at >= '{from}' AND received_at < '{to}')
             ORDER BY position LIMIT 10"
        );
        let plan: Vec<String> = sqlx::query_scalar(AssertSqlSafe(explain))
            .fetch_all(&mut session)
            .await
            .unwrap();
        let plan = plan.join("\n");
        assert!(
            plan.contains("Index") && plan.contains("_pkey on"),
            "{plan}"
        );
        assert!(
            !plan.contains("Sort") && !plan.contains("Seq Scan"),
            "{plan}"
        );
    }
}

#[tokio::test]
async fn events_and_repeats_share_one_log() {
    let world = World::create().await;
    let again = [
        delivery(vec![comment(1), message(2), comment(1)]),
        delivery(vec![message(2)]),
    ];
    world.writer().await.commit(&again).await;
    let shared = "SELECT count(DISTINCT position) FROM
                  (SELECT position FROM events UNION ALL SELECT position FROM repeats) AS log";
    assert_eq!(world.number(shared).await, 4);
    let told = "SELECT kind || ' ' || app || ' ' || account_id || ' ' || source FROM repeats
                ORDER BY kind";
    let account = comment(1).account_id.unwrap();
    assert_eq!(
        world.texts(told).await,
        [Kind::Comment, Kind::Message]
            .map(|kind| format!("{} default {account} live", kind.as_str()))
    );
}

/// A delivery that is one minute short of being late.
#[tokio::test]
async fn what_is_almost_late_is_found_around_the_time_of_its_commit() {
    let world = World::to_follow().await;
    let mut reading = world.reading(Start::Beginning, 9).await;
    reading.read_all().await;
    let almost = delivery_at(ago(SignedDuration::from_mins(59)), vec![comment(1)]);
    world.writer().await.commit(&[almost]).await;
    assert_eq!(world.number("SELECT count(*) FROM late_days").await, 0);
    reading.read_all().await;
    assert_eq!(
        number(&mut world.connect().await, "SELECT count(*) FROM copied").await,
        1
    );
}
