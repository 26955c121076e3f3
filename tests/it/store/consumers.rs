//! Consumers on a real Postgres: ownership, flushes, waiting lanes and dead letters.

use std::{collections::BTreeMap, time::Duration};

use hookshelf::{
    meta::event::Source,
    store::{
        Delivery, Error,
        consumers::{self, Failure, Flush, Flushed, LaneChange, Owner, Taken},
        follow::Start,
    },
};
use jiff::Timestamp;
use sqlx::{Connection as _, PgConnection};

use super::{
    World,
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
        owned_for: HOUR,
        settled: 0,
        skipped: 0,
        lanes: BTreeMap::new(),
    }
}

fn received_at() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

fn failure(attempts: i32, code: &str) -> Failure {
    Failure {
        received_at: received_at(),
        attempts,
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
        consumers::register(&mut conn, "bot", Start::Beginning)
            .await
            .unwrap();
        (world, conn)
    }
}

async fn take(conn: &mut PgConnection, name: &str) -> Option<Taken> {
    let taken = consumers::take(conn, "bot", &owner(name), HOUR).await;
    taken.unwrap()
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
    assert_eq!(take(&mut conn, "other").await, None);
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
    consumers::release(&mut conn, "bot", 0).await.unwrap();
    assert_eq!(take(&mut conn, "other").await, None, "another generation");
    consumers::release(&mut conn, "bot", 1).await.unwrap();
    assert_eq!(take(&mut conn, "other").await.unwrap().generation, 2);
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
        settled: 3,
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
        settled: 5,
        skipped: 2,
        lanes: [(8, die(5, "http_500"))].into(),
        ..flush(1)
    };
    let second = Flush {
        position: 120,
        heads: vec![3, 101],
        settled: 4,
        ..flush(1)
    };
    for flush in [first, second] {
        assert_eq!(consumers::flush(&mut conn, &flush).await.unwrap(), WRITTEN);
    }
    let taken = Taken {
        generation: 2,
        position: 120,
        caught_up_at,
        heads: vec![3, 101],
        paused: None,
        settled: 9,
        skipped: 2,
        dead: 1,
    };
    assert_eq!(take(&mut conn, "one").await, Some(taken));
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
    assert_eq!(again.first_at, seven.first_at);
    assert!(again.due_in > HOUR, "{again:?}");

    let dead = [(7, die(3, "http_500"))];
    assert_eq!(change(&mut conn, 1, dead).await, WRITTEN);
    assert_eq!(consumers::waiting(&mut conn, "bot").await.unwrap(), []);
    let letters = consumers::dead_letters(&mut conn, "bot", None, 10)
        .await
        .unwrap();
    assert_eq!(letters[0].first_at, seven.first_at);
    assert!(letters[0].last_at > letters[0].first_at);
}

#[tokio::test]
async fn flushes_update_the_row_in_place() {
    const FLUSHES: i64 = 600;
    let (world, mut conn) = World::with_consumer().await;
    take(&mut conn, "one").await.unwrap();
    for position in 10_000..10_000 + FLUSHES {
        let flush = Flush {
            position,
            heads: (position - 511..=position).step_by(2).collect(),
            settled: 10,
            ..flush(1)
        };
        assert_eq!(consumers::flush(&mut conn, &flush).await.unwrap(), WRITTEN);
    }
    // Statistics are complete when the session has ended.
    conn.close().await.unwrap();
    let counted =
        |column| format!("SELECT {column} FROM pg_stat_user_tables WHERE relname = 'consumers'");
    eventually("the updates are counted", async || {
        world.number(&counted("n_tup_upd")).await == FLUSHES + 1
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
        consumers::register(&mut conn, name, start).await.unwrap();
        consumers::register(&mut conn, name, Start::Beginning)
            .await
            .unwrap();
    }
    let begun = consumers::list(&mut conn).await.unwrap();
    let begun: Vec<_> = begun
        .iter()
        .map(|it| (&*it.name, it.position, it.caught_up_at.is_some()))
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
    assert_eq!((taken.generation, taken.position), (3, 20));
    assert_eq!((taken.heads, taken.caught_up_at), (vec![], None));

    let now = consumers::seek(&mut conn, "bot", Start::Now).await;
    assert!(now.unwrap());
    let taken = take(&mut conn, "one").await.unwrap();
    assert!(taken.position == 60 && taken.caught_up_at.is_some());
    let letters = consumers::dead_letters(&mut conn, "bot", None, 10).await;
    assert_eq!(letters.unwrap().len(), 1, "dead letters stay");
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
    consumers::register(&mut conn, "other", Start::Beginning)
        .await
        .unwrap();
    take(&mut conn, "one").await.unwrap();
    let changes = || [(7, wait(1, "timeout", HOUR)), (8, die(5, "http_500"))];
    assert_eq!(change(&mut conn, 1, changes()).await, WRITTEN);
    assert!(consumers::remove(&mut conn, "bot").await.unwrap());
    assert_eq!(change(&mut conn, 1, changes()).await, Flushed::Lost);
    assert_eq!(take(&mut conn, "one").await, None);
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
    assert_eq!(taken.paused, paused);
    assert!(consumers::resume(&mut conn, "bot").await.unwrap());
    assert_eq!(change(&mut conn, 2, []).await, WRITTEN);
    assert!(!consumers::resume(&mut conn, "unknown").await.unwrap());
}

#[tokio::test]
async fn a_list_counts_what_waits_and_what_is_dead() {
    let (world, mut conn) = World::with_consumer().await;
    take(&mut conn, "one").await.unwrap();
    let busy = Flush {
        heads: vec![40, 100],
        lanes: [
            (6, wait(1, "timeout", HOUR)),
            (7, wait(1, "timeout", HOUR)),
            (8, die(5, "http_500")),
            (9, die(5, "http_500")),
        ]
        .into(),
        ..flush(1)
    };
    assert_eq!(consumers::flush(&mut conn, &busy).await.unwrap(), WRITTEN);
    let discarded = consumers::discard(&mut conn, "bot", &[8]).await;
    assert_eq!(discarded.unwrap(), [8]);
    let listed = consumers::list(&mut conn).await.unwrap();
    let [bot] = &listed[..] else {
        panic!("{listed:?}");
    };
    assert_eq!((bot.waiting, bot.dead_letters, bot.dead), (2, 1, 2));
    assert_eq!((bot.position, &bot.heads[..]), (100, &[40, 100][..]));
    assert_eq!(bot.owner, Some(owner("one")));

    world
        .run("UPDATE consumers SET owned_until = clock_timestamp() - interval '1 ms'")
        .await;
    let listed = consumers::list(&mut conn).await.unwrap();
    assert_eq!(listed[0].owner, None);
}

#[tokio::test]
async fn dead_letters_are_listed_retried_and_discarded() {
    let (_world, mut conn) = World::with_consumer().await;
    take(&mut conn, "one").await.unwrap();
    let dead = [4, 5, 6, 7].map(|position| (position, die(5, "http_500")));
    assert_eq!(change(&mut conn, 1, dead).await, WRITTEN);
    let retried = consumers::retry(&mut conn, "bot", &[6, 5, 50]).await;
    assert_eq!(retried.unwrap(), [5, 6]);
    let discarded = consumers::discard(&mut conn, "bot", &[4, 5]).await;
    assert_eq!(discarded.unwrap(), [4]);
    let again = consumers::retry(&mut conn, "bot", &[4, 5]).await;
    assert_eq!(again.unwrap(), [5]);
    // The event at 6 fails again.
    assert_eq!(
        change(&mut conn, 1, [(6, die(1, "timeout"))]).await,
        WRITTEN
    );

    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let page = consumers::dead_letters(&mut conn, "bot", before, 3).await;
        let page = page.unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.position);
        seen.extend(page.into_iter().map(|it| (it.position, it.state, it.code)));
    }
    let seen = seen
        .iter()
        .map(|(at, state, code)| (*at, &**state, &**code));
    assert_eq!(
        seen.collect::<Vec<_>>(),
        [
            (7, "dead", "http_500"),
            (6, "dead", "timeout"),
            (5, "retried", "http_500"),
            (4, "discarded", "http_500"),
        ]
    );
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
    assert_eq!(take(&mut conn, "one").await.unwrap().position, 0);
}

#[tokio::test]
async fn a_purge_deletes_the_dead_letters_of_its_events() {
    let (world, mut conn) = World::with_consumer().await;
    take(&mut conn, "one").await.unwrap();
    let mut writer = world.writer().await;
    let simulated = |events| Delivery {
        source: Source::Simulated,
        ..delivery(events)
    };
    writer
        .commit(&[simulated(vec![comment(1), comment(2)])])
        .await;
    // The first simulated event becomes an event of this delivery, at another position.
    writer
        .commit(&[delivery(vec![comment(1), comment(3)])])
        .await;
    let positions: Vec<i64> = sqlx::query_scalar("SELECT position FROM events ORDER BY position")
        .fetch_all(&mut conn)
        .await
        .unwrap();
    assert_eq!(positions.len(), 3);
    for position in &positions {
        let dead = [(*position, die(5, "http_500"))];
        assert_eq!(change(&mut conn, 1, dead).await, WRITTEN);
    }
    let purged = world.purge_all().await;
    assert_eq!((purged[0].events, purged[0].turned), (1, 1));
    let letters = consumers::dead_letters(&mut conn, "bot", None, 10).await;
    let letters: Vec<i64> = letters.unwrap().iter().map(|it| it.position).collect();
    assert_eq!(letters, positions[2..]);
}
