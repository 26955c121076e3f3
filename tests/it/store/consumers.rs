//! Consumers on a real Postgres: ownership, flushes and waiting lanes.

mod events;
mod letters;
mod listed;
mod places;
mod replays;
mod span;

use std::{collections::BTreeMap, time::Duration};

use hookshelf::store::{
    self, Commits, Error,
    consumers::{
        self, Backlog, ConsumerKind, DeadLetter, Failure, Flush, Flushed, LaneChange, Letters,
        NewConsumer, Owner, Progress, RowPlace, Take, Taken, Totals,
    },
    follow::Start,
};
use jiff::Timestamp;
use sqlx::{Connection as _, PgConnection};

use super::{
    PATIENCE, World,
    items::{comment, delivery},
};
use crate::support::eventually;

const HOUR: Duration = Duration::from_hours(1);

/// All rows of the tables.
const ROWS: &str = "
    SELECT 'consumer ' || c FROM consumers AS c
    UNION ALL SELECT 'lane ' || l FROM consumer_lanes AS l
    UNION ALL SELECT 'letter ' || d FROM dead_letters AS d ORDER BY 1";

fn owner(name: &str) -> Owner {
    Owner {
        name: name.to_owned(),
        address: Some(format!("http://{name}:9090")),
    }
}

/// A flush of `bot` without changes.
fn flush(generation: i64) -> Flush {
    Flush {
        name: "bot".to_owned(),
        generation,
        position: 100,
        caught_up_at: None,
        heads: Vec::new(),
        backlogs: Vec::new(),
        lane: "person",
        owned_for: HOUR,
        totals: Totals::default(),
        lanes: BTreeMap::new(),
        pause: None,
        settled_letters: Vec::new(),
        replays: Vec::new(),
    }
}

/// A different number for each total.
const ALL: Totals = Totals {
    settled: 9,
    dead: 1,
    gone: 2,
    too_old: 3,
    repeated: 4,
    filtered: 5,
};

fn settled(settled: i64) -> Totals {
    Totals {
        settled,
        ..Totals::default()
    }
}

fn received_at() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

fn failure(attempts: i32, code: &str) -> Failure {
    Failure {
        received_at: received_at(),
        attempts,
        failed_for: Duration::from_mins(5),
        code: code.to_owned(),
    }
}

fn wait(attempts: i32, code: &str, delay: Duration) -> LaneChange {
    LaneChange::Waiting {
        failure: failure(attempts, code),
        delay,
    }
}

fn die(attempts: i32, code: &str) -> LaneChange {
    LaneChange::Dead {
        failure: failure(attempts, code),
        reason: "attempts",
    }
}

impl World {
    /// Registers `bot` at the beginning of the log.
    async fn with_consumer() -> (Self, PgConnection) {
        let world = Self::create().await;
        let mut conn = world.connect().await;
        register(&mut conn, "bot", Start::Beginning).await;
        world.run("SELECT setval('event_position', 1000)").await;
        (world, conn)
    }
}

async fn register(conn: &mut PgConnection, name: &str, start: Start) {
    let new = NewConsumer {
        name,
        kind: ConsumerKind::Consumer,
        lane: "person",
        start,
    };
    consumers::register(conn, new).await.unwrap();
    // Flushes of the tests name small generations.
    let begin = sqlx::query("UPDATE consumers SET generation = 0 WHERE name = $1");
    begin.bind(name).execute(conn).await.unwrap();
}

/// State at a takeover; `None` if another process owns the consumer, or if there is none.
async fn take(conn: &mut PgConnection, name: &str) -> Option<Taken> {
    match try_take(conn, name).await {
        Take::Taken(taken) => Some(*taken),
        Take::OwnedBy(_) | Take::Missing => None,
    }
}

async fn try_take(conn: &mut PgConnection, name: &str) -> Take {
    let taken = consumers::take(conn, "bot", &owner(name), HOUR).await;
    taken.unwrap()
}

/// Gives the consumer up with these leases.
async fn release(
    conn: &mut PgConnection,
    generation: i64,
    leases: Option<&BTreeMap<i64, Duration>>,
) {
    let released = consumers::release(conn, "bot", generation, leases).await;
    released.unwrap();
}

/// The newest dead letters.
async fn letters(conn: &mut PgConnection) -> Vec<DeadLetter> {
    let all = Letters {
        limit: 10,
        ..Letters::default()
    };
    consumers::dead_letters(conn, "bot", all).await.unwrap()
}

/// Result of a flush with these changes of lanes.
async fn change<const N: usize>(
    conn: &mut PgConnection,
    generation: i64,
    lanes: [(i64, LaneChange); N],
) -> Flushed {
    let flush = Flush {
        lanes: lanes.into(),
        ..flush(generation)
    };
    consumers::flush(conn, &flush).await.unwrap()
}

const WRITTEN: Flushed = Flushed::Written { paused: None };

#[tokio::test]
async fn a_second_owner_gets_a_consumer_only_after_the_time_is_over() {
    let (world, mut conn) = World::with_consumer().await;
    assert_eq!(take(&mut conn, "one").await.unwrap().generation, 1);
    let other = try_take(&mut conn, "other").await;
    assert_eq!(other, Take::OwnedBy(owner("one")));
    let again = take(&mut conn, "one").await.unwrap();
    assert_eq!(again.generation, 2, "a restarted owner does not wait");

    world
        .run("UPDATE consumers SET owned_until = clock_timestamp() - interval '1 ms'")
        .await;
    assert_eq!(take(&mut conn, "other").await.unwrap().generation, 3);
    assert_eq!(take(&mut conn, "one").await, None);
}

#[tokio::test]
async fn two_owners_at_once_are_one() {
    let (world, mut conn) = World::with_consumer().await;
    let mut second = world.connect().await;
    let (one, other) = tokio::join!(take(&mut conn, "one"), take(&mut second, "other"));
    assert_eq!([&one, &other].into_iter().flatten().count(), 1);
}

#[tokio::test]
async fn an_ownership_from_a_clock_that_was_set_back_is_over() {
    let (world, mut conn) = World::with_consumer().await;
    take(&mut conn, "one").await.unwrap();
    world
        .run("UPDATE consumers SET owned_until = clock_timestamp() + interval '3 hours'")
        .await;
    assert_eq!(take(&mut conn, "other").await.unwrap().generation, 2);
}

#[tokio::test]
async fn a_released_consumer_is_free_at_once() {
    let (_world, mut conn) = World::with_consumer().await;
    take(&mut conn, "one").await.unwrap();
    release(&mut conn, 0, None).await;
    assert_eq!(take(&mut conn, "other").await, None, "another generation");
    release(&mut conn, 1, None).await;
    assert_eq!(take(&mut conn, "other").await.unwrap().generation, 2);
}

#[tokio::test]
async fn the_leases_of_a_release_are_those_of_the_next_owner_only() {
    let (_world, mut conn) = World::with_consumer().await;
    let first = take(&mut conn, "one").await.unwrap();
    assert_eq!(first.leases, Some(BTreeMap::new()));
    let leases = BTreeMap::from([(7, HOUR), (80, Duration::ZERO)]);
    release(&mut conn, 1, Some(&leases)).await;
    let next = take(&mut conn, "other").await.unwrap();
    assert_eq!(next.leases.as_ref(), Some(&leases));
    let again = take(&mut conn, "other").await.unwrap();
    assert_eq!(again.leases, None);

    release(&mut conn, 3, Some(&leases)).await;
    assert_eq!(change(&mut conn, 3, []).await, WRITTEN, "a late flush");
    assert_eq!(take(&mut conn, "other").await.unwrap().leases, None);

    release(&mut conn, 4, Some(&leases)).await;
    consumers::seek(&mut conn, "bot", Start::Beginning)
        .await
        .unwrap();
    let moved = take(&mut conn, "other").await.unwrap();
    assert_eq!(moved.leases, None, "events may come again after a seek");
}

#[tokio::test]
async fn an_earlier_generation_writes_nothing() {
    let (world, mut conn) = World::with_consumer().await;
    take(&mut conn, "one").await.unwrap();
    let changes = || [(7, wait(1, "timeout", HOUR)), (8, die(5, "http_500"))];
    assert_eq!(change(&mut conn, 1, changes()).await, WRITTEN);
    take(&mut conn, "one").await.unwrap();
    let before = world.texts(ROWS).await;
    assert_eq!(before.len(), 3);

    assert_eq!(change(&mut conn, 1, changes()).await, Flushed::Lost);
    let settled = [(7, LaneChange::Settled), (9, die(5, "http_500"))];
    assert_eq!(change(&mut conn, 1, settled).await, Flushed::Lost);
    assert_eq!(world.texts(ROWS).await, before);
}

#[tokio::test]
async fn a_flush_is_all_or_nothing() {
    let (world, mut conn) = World::with_consumer().await;
    take(&mut conn, "one").await.unwrap();
    world
        .run("ALTER TABLE dead_letters ADD CHECK (code <> 'refused')")
        .await;
    let before = world.texts(ROWS).await;
    let changes = [(7, wait(1, "timeout", HOUR)), (8, die(5, "refused"))];
    let refused = Flush {
        totals: settled(3),
        heads: vec![50],
        lanes: changes.into(),
        ..flush(1)
    };
    let refused = consumers::flush(&mut conn, &refused).await;
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    assert_eq!(world.texts(ROWS).await, before);
}

#[tokio::test]
async fn the_next_owner_finds_what_was_flushed() {
    let (_world, mut conn) = World::with_consumer().await;
    take(&mut conn, "one").await.unwrap();
    let caught_up_at = Some(received_at());
    let first = Flush {
        caught_up_at,
        heads: vec![3, 90, 100],
        totals: Totals {
            too_old: 2,
            ..settled(5)
        },
        lanes: [(8, die(5, "http_500"))].into(),
        ..flush(1)
    };
    let second = Flush {
        position: 120,
        heads: vec![3, 101],
        backlogs: vec![Backlog { after: 9, last: 70 }],
        lane: "account",
        totals: ALL,
        ..flush(1)
    };
    for flush in [first, second] {
        assert_eq!(consumers::flush(&mut conn, &flush).await.unwrap(), WRITTEN);
    }
    let taken = take(&mut conn, "one").await.unwrap();
    assert_eq!(taken.generation, 2);
    assert_eq!(
        taken.progress,
        Progress {
            position: 120,
            caught_up_at,
            heads: vec![3, 101],
            backlogs: vec![Backlog { after: 9, last: 70 }],
            lane: "account".to_owned(),
            totals: ALL,
            paused: None,
        }
    );
}

#[tokio::test]
async fn lanes_wait_are_retried_and_go_on() {
    let (_world, mut conn) = World::with_consumer().await;
    take(&mut conn, "one").await.unwrap();
    let late = [
        (7, wait(1, "timeout", HOUR)),
        (5, wait(1, "timeout", Duration::ZERO)),
    ];
    assert_eq!(change(&mut conn, 1, late).await, WRITTEN);
    let waiting = consumers::waiting(&mut conn, "bot").await.unwrap();
    let [five, seven] = &waiting[..] else {
        panic!("{waiting:?}");
    };
    assert_eq!((five.position, seven.position), (5, 7));
    assert_eq!((five.attempts, &*five.code), (1, "timeout"));
    assert_eq!(five.received_at, received_at());
    assert_eq!(five.due_in, Duration::ZERO);
    let nearly = HOUR.checked_sub(Duration::from_mins(5)).unwrap();
    assert!(seven.due_in > nearly && seven.due_in <= HOUR, "{seven:?}");
    assert!(seven.failed_for >= Duration::from_mins(5), "{seven:?}");

    let later = [
        (5, LaneChange::Settled),
        (7, wait(2, "http_500", 2 * HOUR)),
        (9, LaneChange::Settled),
    ];
    assert_eq!(change(&mut conn, 1, later).await, WRITTEN);
    let waiting = consumers::waiting(&mut conn, "bot").await.unwrap();
    let [again] = &waiting[..] else {
        panic!("{waiting:?}");
    };
    assert_eq!((again.attempts, &*again.code), (2, "http_500"));
    assert!(again.failed_for >= seven.failed_for, "{again:?}");
    assert!(again.due_in > HOUR, "{again:?}");

    let dead = [(7, die(3, "http_500"))];
    assert_eq!(change(&mut conn, 1, dead).await, WRITTEN);
    assert_eq!(consumers::waiting(&mut conn, "bot").await.unwrap(), []);
    let letters = letters(&mut conn).await;
    let failed_for = letters[0].last_at.duration_since(letters[0].first_at);
    assert_eq!(failed_for.as_secs(), 300);
}

#[tokio::test]
async fn flushes_update_the_row_in_place() {
    const FLUSHES: i64 = 600;
    let (world, mut conn) = World::with_consumer().await;
    take(&mut conn, "one").await.unwrap();
    world.run("SELECT setval('event_position', 20000)").await;
    for position in 10_000..10_000 + FLUSHES {
        let flush = Flush {
            position,
            heads: (position - 511..=position).step_by(2).collect(),
            totals: settled(position),
            ..flush(1)
        };
        assert_eq!(consumers::flush(&mut conn, &flush).await.unwrap(), WRITTEN);
    }
    // Statistics are complete when the session has ended.
    conn.close().await.unwrap();
    let counted =
        |column| format!("SELECT {column} FROM pg_stat_user_tables WHERE relname = 'consumers'");
    eventually("the updates are counted", async || {
        world.number(&counted("n_tup_upd")).await == FLUSHES + 2
    })
    .await;
    // A transaction of another test keeps old versions for its duration: once a page is full of
    // them, one update moves to the next page. An index on a changing column leaves no HOT update.
    let in_place = world.number(&counted("n_tup_hot_upd")).await;
    assert!(in_place > FLUSHES / 2, "{in_place} of {FLUSHES}");
}

#[tokio::test]
async fn a_consumer_begins_where_it_is_told_and_stays_there() {
    let world = World::create().await;
    let events = (1..=3).map(comment).collect();
    world.writer().await.commit(&[delivery(events)]).await;
    let end = world.number("SELECT max(position) FROM events").await;
    let mut conn = world.connect().await;
    for (name, start) in [
        ("beginning", Start::Beginning),
        ("now", Start::Now),
        ("after", Start::After(end - 1)),
        ("before", Start::After(-5)),
        ("beyond", Start::After(end + 1_000)),
    ] {
        register(&mut conn, name, start).await;
        register(&mut conn, name, Start::Beginning).await;
    }
    let begun = consumers::list(&mut conn).await.unwrap();
    let begun: Vec<_> = begun
        .iter()
        .map(|it| (&*it.name, &it.progress))
        .map(|(name, it)| (name, it.position, it.caught_up_at.is_some()))
        .collect();
    assert_eq!(
        begun,
        [
            ("after", end - 1, false),
            ("before", 0, false),
            ("beginning", 0, false),
            ("beyond", end, false),
            ("now", end, true),
        ]
    );
}

#[tokio::test]
async fn a_seek_forgets_heads_and_lanes_and_the_owner_notices() {
    let (world, mut conn) = World::with_consumer().await;
    take(&mut conn, "one").await.unwrap();
    let busy = Flush {
        heads: vec![40],
        lanes: [(7, wait(1, "timeout", HOUR)), (8, die(5, "http_500"))].into(),
        ..flush(1)
    };
    assert_eq!(consumers::flush(&mut conn, &busy).await.unwrap(), WRITTEN);
    world
        .run("SELECT nextval('event_position') FROM generate_series(1, 60)")
        .await;
    assert!(
        consumers::seek(&mut conn, "bot", Start::After(20))
            .await
            .unwrap()
    );
    assert_eq!(consumers::waiting(&mut conn, "bot").await.unwrap(), []);
    assert_eq!(change(&mut conn, 1, []).await, Flushed::Lost);
    assert_eq!(take(&mut conn, "other").await, None, "the owner stays");
    let taken = take(&mut conn, "one").await.unwrap();
    assert_eq!((taken.generation, taken.progress.position), (3, 20));
    let progress = taken.progress;
    assert_eq!((progress.heads, progress.caught_up_at), (vec![], None));

    let now = consumers::seek(&mut conn, "bot", Start::Now).await;
    assert!(now.unwrap());
    let progress = take(&mut conn, "one").await.unwrap().progress;
    assert!(progress.position == 1060 && progress.caught_up_at.is_some());
    assert_eq!(letters(&mut conn).await.len(), 1, "dead letters stay");
    let unknown = consumers::seek(&mut conn, "unknown", Start::Now).await;
    assert!(!unknown.unwrap());
}

#[tokio::test]
async fn a_seek_beside_a_flush_leaves_no_lane() {
    let (world, mut conn) = World::with_consumer().await;
    take(&mut conn, "one").await.unwrap();
    let mut slow = conn.begin().await.unwrap();
    let late = [(7, wait(1, "timeout", HOUR))];
    assert_eq!(change(&mut slow, 1, late).await, WRITTEN);
    let mut second = world.connect().await;
    let moving = consumers::seek(&mut second, "bot", Start::Beginning);
    let committing = async {
        world.until_waiting(1).await;
        slow.commit().await.unwrap();
    };
    let (moved, ()) = tokio::join!(moving, committing);
    assert!(moved.unwrap());
    assert_eq!(consumers::waiting(&mut conn, "bot").await.unwrap(), []);
}

#[tokio::test]
async fn a_removed_consumer_leaves_nothing() {
    let (world, mut conn) = World::with_consumer().await;
    register(&mut conn, "other", Start::Beginning).await;
    take(&mut conn, "one").await.unwrap();
    let changes = || [(7, wait(1, "timeout", HOUR)), (8, die(5, "http_500"))];
    assert_eq!(change(&mut conn, 1, changes()).await, WRITTEN);
    assert!(consumers::remove(&mut conn, "bot").await.unwrap());
    assert_eq!(change(&mut conn, 1, changes()).await, Flushed::Lost);
    assert_eq!(try_take(&mut conn, "one").await, Take::Missing);
    assert!(!consumers::remove(&mut conn, "bot").await.unwrap());
    assert_eq!(world.texts(ROWS).await.len(), 1, "the other one");
}

#[tokio::test]
async fn the_owner_learns_of_a_pause_with_its_next_flush() {
    let (_world, mut conn) = World::with_consumer().await;
    take(&mut conn, "one").await.unwrap();
    let paused = consumers::pause(&mut conn, "bot", "operator").await;
    assert!(paused.unwrap());
    let paused = Some("operator".to_owned());
    assert_eq!(
        change(&mut conn, 1, []).await,
        Flushed::Written {
            paused: paused.clone()
        }
    );
    let taken = take(&mut conn, "one").await.unwrap();
    assert_eq!(taken.progress.paused, paused);
    assert!(consumers::resume(&mut conn, "bot").await.unwrap());
    assert_eq!(change(&mut conn, 2, []).await, WRITTEN);
    assert!(!consumers::resume(&mut conn, "unknown").await.unwrap());
}

#[tokio::test]
async fn damaged_heads_are_an_error_until_the_consumer_is_moved() {
    let (world, mut conn) = World::with_consumer().await;
    world
        .run(r"UPDATE consumers SET position = 9, heads = '\x80'")
        .await;
    let damaged = consumers::take(&mut conn, "bot", &owner("one"), HOUR).await;
    assert!(matches!(damaged, Err(Error::Heads(_))), "{damaged:?}");
    let damaged = consumers::list(&mut conn).await;
    assert!(matches!(damaged, Err(Error::Heads(_))), "{damaged:?}");
    let moved = consumers::seek(&mut conn, "bot", Start::Beginning).await;
    assert!(moved.unwrap());
    let progress = take(&mut conn, "one").await.unwrap().progress;
    assert_eq!(progress.position, 0);
}

#[tokio::test]
async fn a_repeated_flush_changes_nothing_more() {
    let (world, mut conn) = World::with_consumer().await;
    take(&mut conn, "one").await.unwrap();
    let earlier = [(7, wait(1, "timeout", HOUR)), (8, wait(1, "timeout", HOUR))];
    assert_eq!(change(&mut conn, 1, earlier).await, WRITTEN);
    let repeated = Flush {
        heads: vec![50],
        totals: ALL,
        lanes: [
            (6, wait(1, "timeout", HOUR)),
            (7, wait(2, "timeout", HOUR)),
            (8, die(5, "http_500")),
            (9, die(5, "http_500")),
        ]
        .into(),
        ..flush(1)
    };
    let rows = "SELECT concat_ws(' ', position, heads, settled, dead, gone, too_old, repeated,
                                 filtered) FROM consumers
                UNION ALL SELECT concat_ws(' ', position, attempts, first_at) FROM consumer_lanes
                UNION ALL SELECT concat_ws(' ', position, attempts, first_at, state)
                          FROM dead_letters ORDER BY 1";
    let mut seen = Vec::new();
    for _ in 0..2 {
        let flushed = consumers::flush(&mut conn, &repeated).await.unwrap();
        assert_eq!(flushed, WRITTEN);
        seen.push(world.texts(rows).await);
    }
    assert_eq!(seen[0].len(), 5);
    assert_eq!(seen[0], seen[1]);
}

#[tokio::test]
async fn a_rewind_forgets_heads_and_lanes_of_its_generation_only() {
    let (world, mut conn) = World::with_consumer().await;
    take(&mut conn, "one").await.unwrap();
    let busy = Flush {
        caught_up_at: Some(received_at()),
        heads: vec![40],
        totals: ALL,
        lanes: [(7, wait(1, "timeout", HOUR)), (8, die(5, "http_500"))].into(),
        ..flush(1)
    };
    assert_eq!(consumers::flush(&mut conn, &busy).await.unwrap(), WRITTEN);
    let before = world.texts(ROWS).await;
    let earlier = consumers::rewind(&mut conn, "bot", 0, (6, &[], &[]), "account").await;
    assert!(!earlier.unwrap());
    assert_eq!(world.texts(ROWS).await, before);

    for _ in 0..2 {
        let rewound = consumers::rewind(&mut conn, "bot", 1, (6, &[], &[]), "account").await;
        assert!(rewound.unwrap());
    }
    assert_eq!(consumers::waiting(&mut conn, "bot").await.unwrap(), []);
    assert_eq!(letters(&mut conn).await.len(), 1, "dead letters stay");
    assert_eq!(change(&mut conn, 1, []).await, WRITTEN, "the owner stays");
    assert!(
        consumers::rewind(&mut conn, "bot", 1, (6, &[], &[]), "none")
            .await
            .unwrap()
    );
    let taken = take(&mut conn, "one").await.unwrap();
    assert_eq!(
        taken.progress,
        Progress {
            position: 6,
            caught_up_at: None,
            heads: vec![],
            backlogs: vec![],
            lane: "none".to_owned(),
            totals: Totals::default(),
            paused: None,
        }
    );
}

#[tokio::test]
async fn the_key_of_lease_tokens_is_random_and_stays() {
    let (_world, mut conn) = World::with_consumer().await;
    let first = take(&mut conn, "one").await.unwrap().token_key;
    assert_eq!(first.as_bytes().len(), 32);
    assert_ne!(first.as_bytes()[..16], first.as_bytes()[16..]);
    assert_eq!(take(&mut conn, "one").await.unwrap().token_key, first);
    assert!(!format!("{first:?}").contains(&format!("{:?}", first.as_bytes()[0])));

    assert!(consumers::remove(&mut conn, "bot").await.unwrap());
    register(&mut conn, "bot", Start::Beginning).await;
    assert_ne!(take(&mut conn, "one").await.unwrap().token_key, first);
}

#[tokio::test]
async fn the_session_of_an_owner_waits_for_the_disk() {
    let world = World::create().await;
    let options = world.db.options().options([("synchronous_commit", "off")]);
    for (commits, expected) in [(Commits::Durable, "on"), (Commits::AsConfigured, "off")] {
        let conn = store::connect_owner(&options, commits, PATIENCE).await;
        let setting: String = sqlx::query_scalar("SHOW synchronous_commit")
            .fetch_one(&mut conn.unwrap())
            .await
            .unwrap();
        assert_eq!(setting, expected, "{commits:?}");
    }
}
