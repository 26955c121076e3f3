//! Creating and dropping partitions during writes and open reads.

use hookshelf::store::{self, Error, partitions};
use jiff::{SignedDuration, ToSpan, civil::Date};
use sqlx::PgConnection;

use super::{
    World,
    items::{ago, comment, days_ago, delivery},
    now, number,
};
use crate::support::eventually;

/// Advisory lock for creating partitions: the letters of `hooksh1`.
const MAKERS: &str = "29395921912686641";

/// Ages in days of the deliveries whose partitions are dropped.
const OLD: i64 = 40;
const OLDER: i64 = 41;

impl World {
    /// Tables of this day, attached or detached.
    async fn tables_of(&self, day: Date) -> Vec<String> {
        self.tables_where(day, "true").await
    }

    /// Attached partitions of this day.
    async fn partitions_of(&self, day: Date) -> Vec<String> {
        self.tables_where(day, "relispartition").await
    }

    async fn tables_where(&self, day: Date, condition: &str) -> Vec<String> {
        let suffix = day.strftime("%Y%m%d");
        self.texts(&format!(
            "SELECT relname::text FROM pg_class
             WHERE relkind = 'r' AND relname LIKE '%\\_{suffix}' AND {condition} ORDER BY relname"
        ))
        .await
    }

    /// Commits one comment for each of the old days and for today.
    async fn fill(&self) {
        let batch = [
            days_ago(OLDER, vec![comment(1)]),
            days_ago(OLD, vec![comment(2)]),
            delivery(vec![comment(3)]),
        ];
        self.writer().await.commit(&batch).await;
    }

    /// A session with a cursor over all events that has fetched one row.
    async fn reader(&self, isolation: &str) -> PgConnection {
        let mut reader = self.connect().await;
        let open = format!(
            "BEGIN ISOLATION LEVEL {isolation};
             DECLARE following CURSOR FOR SELECT position FROM events ORDER BY received_at;
             FETCH 1 FROM following"
        );
        let open = sqlx::AssertSqlSafe(open);
        sqlx::raw_sql(open).execute(&mut reader).await.unwrap();
        reader
    }
}

/// Fetches the remaining rows and commits.
async fn read_to_the_end(mut reader: PgConnection) -> usize {
    let rest: Vec<i64> = sqlx::query_scalar("FETCH ALL FROM following")
        .fetch_all(&mut reader)
        .await
        .unwrap();
    sqlx::raw_sql("COMMIT").execute(&mut reader).await.unwrap();
    rest.len()
}

fn day(days_ago: i64) -> Date {
    store::day(ago(SignedDuration::from_hours(24 * days_ago)))
}

/// Table names of a day.
fn names(day: Date) -> [String; 3] {
    ["deliveries", "events", "repeats"].map(|table| format!("{table}_{}", day.strftime("%Y%m%d")))
}

#[tokio::test]
async fn missing_days_and_a_missing_epoch_are_made_on_the_way() {
    let world = World::create().await;
    world.run("UPDATE commit_fence SET epoch = 7").await;
    world.fill().await;
    assert_eq!(world.sizes().await, [3, 3, 0]);
    for old in [day(OLD), day(OLDER)] {
        assert_eq!(world.partitions_of(old).await, names(old));
    }
    assert_eq!(world.number("SELECT count(*) FROM dedupe_7").await, 3);
    // The partitions have the same indexes as those created ahead, and no leftover check
    // constraint.
    let shapes = "SELECT count(DISTINCT (SELECT count(*) FROM pg_index WHERE indrelid = c.oid))
                  FROM pg_class AS c WHERE relkind = 'r' AND relname LIKE 'events\\_%'";
    assert_eq!(world.number(shapes).await, 1);
    let checks =
        "SELECT count(*) FROM pg_constraint WHERE contype = 'c' AND conname LIKE '%bounds'";
    assert_eq!(world.number(checks).await, 0);
}

#[tokio::test]
async fn two_writers_make_the_same_missing_partitions() {
    let world = World::create().await;
    world.run("UPDATE commit_fence SET epoch = 7").await;
    let (mut one, mut other) = (world.writer().await, world.writer().await);
    let mut gate = world.connect().await;
    let lock = sqlx::AssertSqlSafe(format!("SELECT pg_advisory_lock({MAKERS})"));
    sqlx::raw_sql(lock).execute(&mut gate).await.unwrap();

    let first = [days_ago(OLD, vec![comment(1)])];
    let second = [days_ago(OLD, vec![comment(1), comment(2)])];
    let open = async {
        world.until_waiting(2).await;
        drop(gate);
    };
    tokio::join!(one.commit(&first), other.commit(&second), open);
    assert_eq!(world.sizes().await, [2, 2, 1]);
    assert_eq!(world.partitions_of(day(OLD)).await, names(day(OLD)));
}

/// While a session reads the list of partitions, another one attaches a partition. Postgres takes the
/// message of the change for older than the list, and keeps the list as long as the session lives.
#[tokio::test]
async fn a_session_that_misses_a_partition_for_good_is_replaced_by_a_new_one() {
    let world = World::create().await;
    let mut writer = world.writer().await;
    writer.commit(&[delivery(vec![comment(1)])]).await;
    let ([known, ..], [new, ..]) = (names(day(0)), names(day(OLD)));
    // The list is read again, and waits for the catalog in the middle.
    let change = format!(
        "ALTER TABLE {known} SET (autovacuum_enabled = true);
         ALTER TABLE stored_deliveries ALTER body SET STATISTICS 100"
    );
    world.run(&change).await;
    writer.run("SELECT FROM ONLY stored_deliveries").await;
    let mut maker = world.connect().await;
    let lock = "BEGIN; LOCK TABLE pg_class IN ACCESS EXCLUSIVE MODE";
    sqlx::raw_sql(lock).execute(&mut maker).await.unwrap();
    let attach = async {
        let waiting = "SELECT count(*) FROM pg_locks
                       WHERE NOT granted AND relation = 'pg_class'::regclass";
        eventually("the writer waits", async || {
            number(&mut maker, waiting).await == 1
        })
        .await;
        let next = day(OLD).saturating_add(1.day());
        let attach = format!(
            "CREATE TABLE {new} (LIKE stored_deliveries INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
             ALTER TABLE stored_deliveries ATTACH PARTITION {new}
             FOR VALUES FROM ('{} 00:00Z') TO ('{next} 00:00Z');
             COMMIT",
            day(OLD)
        );
        let attach = sqlx::AssertSqlSafe(attach);
        sqlx::raw_sql(attach).execute(&mut maker).await.unwrap();
    };
    let batch = [days_ago(OLD, vec![comment(2)])];
    let (missed, ()) = tokio::join!(writer.try_commit(&batch), attach);
    assert!(
        matches!(missed, Err(Error::MissingPartition(_))),
        "{missed:?}"
    );
    world.writer().await.commit(&batch).await;
    assert_eq!(world.sizes().await, [2, 2, 0]);
}

#[tokio::test]
async fn a_day_is_made_under_open_readers() {
    let world = World::create().await;
    world.fill().await;
    let reader = world.reader("REPEATABLE READ").await;
    let mut maker = world.connect().await;
    let new = store::day(now()).saturating_add(30.days());
    partitions::ensure_day(&mut maker, new).await.unwrap();
    assert_eq!(world.partitions_of(new).await, names(new));
    partitions::ensure_day(&mut maker, new).await.unwrap();
    assert_eq!(read_to_the_end(reader).await, 2);
}

#[tokio::test]
async fn a_day_is_dropped_when_those_who_read_it_are_done() {
    for isolation in ["READ COMMITTED", "REPEATABLE READ"] {
        let world = World::create().await;
        world.fill().await;
        let reader = world.reader(isolation).await;
        let mut upkeep = world.connect().await;
        let meanwhile = async {
            world.until_waiting(1).await;
            // Other writers and readers continue, and the open reader keeps its snapshot.
            let batch = [delivery(vec![comment(4)])];
            world.writer().await.commit(&batch).await;
            world.number("SELECT count(*) FROM events").await;
            let new = store::day(now()).saturating_add(30.days());
            let mut maker = world.connect().await;
            partitions::ensure_day(&mut maker, new).await.unwrap();
            assert_eq!(read_to_the_end(reader).await, 2);
        };
        let (dropped, ()) = tokio::join!(partitions::drop_day(&mut upkeep, day(OLDER)), meanwhile);
        dropped.unwrap();
        assert_eq!(world.tables_of(day(OLDER)).await, Vec::<String>::new());
        assert_eq!(world.sizes().await, [3, 3, 0], "{isolation}");
        // Dropping a dropped day succeeds.
        partitions::drop_day(&mut upkeep, day(OLDER)).await.unwrap();
    }
}

impl World {
    /// Leaves the older day half detached, as after a killed drop.
    async fn interrupt_drop(&self) {
        let reader = self.reader("READ COMMITTED").await;
        let mut upkeep = self.connect().await;
        let pid = number(&mut upkeep, "SELECT pg_backend_pid()::bigint").await;
        let kill = async {
            self.until_waiting(1).await;
            self.run(&format!("SELECT pg_terminate_backend({pid})"))
                .await;
        };
        let (dropped, ()) = tokio::join!(partitions::drop_day(&mut upkeep, day(OLDER)), kill);
        assert!(matches!(dropped, Err(Error::Unavailable(_))), "{dropped:?}");
        let pending = "SELECT count(*) FROM pg_inherits WHERE inhdetachpending";
        assert_eq!(self.number(pending).await, 1);
        read_to_the_end(reader).await;
    }
}

#[tokio::test]
async fn an_interrupted_drop_is_finished_next_time() {
    let world = World::create().await;
    world.fill().await;
    world.interrupt_drop().await;
    let mut upkeep = world.connect().await;
    partitions::drop_day(&mut upkeep, day(OLDER)).await.unwrap();
    assert_eq!(world.tables_of(day(OLDER)).await, Vec::<String>::new());
    assert_eq!(world.sizes().await, [2, 2, 0]);
}

#[tokio::test]
async fn an_interrupted_drop_does_not_stop_that_of_another_day() {
    let world = World::create().await;
    world.fill().await;
    world.interrupt_drop().await;
    let mut upkeep = world.connect().await;
    partitions::drop_day(&mut upkeep, day(OLD)).await.unwrap();
    partitions::drop_day(&mut upkeep, day(OLDER)).await.unwrap();
    assert_eq!(world.sizes().await, [1, 1, 0]);
}

#[tokio::test]
async fn a_delivery_of_a_day_whose_drop_was_interrupted_is_stored() {
    let world = World::create().await;
    world.fill().await;
    world.interrupt_drop().await;
    let late = [days_ago(OLDER, vec![comment(4)])];
    world.writer().await.commit(&late).await;
    assert_eq!(world.partitions_of(day(OLDER)).await, names(day(OLDER)));
    let stored = "SELECT count(*) FROM events WHERE comment_id = 'comment-4'";
    assert_eq!(world.number(stored).await, 1);
}

#[tokio::test]
async fn a_delivery_of_a_day_that_was_detached_is_stored() {
    let world = World::create().await;
    world.fill().await;
    let [_, events, _] = names(day(OLDER));
    world
        .run(&format!(
            "ALTER TABLE stored_events DETACH PARTITION {events}"
        ))
        .await;
    let late = [days_ago(OLDER, vec![comment(4)])];
    world.writer().await.commit(&late).await;
    assert_eq!(world.sizes().await, [4, 4, 0], "what was detached is back");
}

#[tokio::test]
async fn two_drop_the_same_day() {
    let world = World::create().await;
    world.fill().await;
    let (mut one, mut other) = (world.connect().await, world.connect().await);
    let reader = world.reader("READ COMMITTED").await;
    // The second drop sees the first one and leaves the work to it.
    let second = async {
        world.until_waiting(1).await;
        let second = partitions::drop_day(&mut other, day(OLDER)).await;
        read_to_the_end(reader).await;
        second
    };
    let (first, second) = tokio::join!(partitions::drop_day(&mut one, day(OLDER)), second);
    first.unwrap();
    second.unwrap();
    assert_eq!(world.tables_of(day(OLDER)).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_lock_on_the_table_is_not_waited_for_without_end() {
    let world = World::create().await;
    let mut vacuum = world.connect().await;
    let lock = "BEGIN; LOCK TABLE stored_events IN SHARE UPDATE EXCLUSIVE MODE";
    sqlx::raw_sql(lock).execute(&mut vacuum).await.unwrap();
    let mut maker = world.connect().await;
    let made = partitions::ensure_day(&mut maker, day(OLD)).await;
    let Err(Error::LockTimeout(why)) = made else {
        panic!("it gives up: {made:?}");
    };
    let code = why.as_database_error().unwrap().code();
    assert_eq!(code.as_deref(), Some("55P03"));
    // Nothing is left half done, and the same session can create the partitions afterwards.
    drop(vacuum);
    partitions::ensure_day(&mut maker, day(OLD)).await.unwrap();
    assert_eq!(world.partitions_of(day(OLD)).await, names(day(OLD)));
}
