//! The dedupe window moves during commits: no event is doubled or lost, and keys older than two
//! windows are dropped with their partition.

use hookshelf::store::{Committed, epoch};
use jiff::SignedDuration;
use sqlx::Connection as _;

use super::{
    Session, World,
    items::{comment, days_ago, delivery, delivery_at, message},
    now,
};

const DAY: SignedDuration = SignedDuration::from_hours(24);
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

const NEW: Committed = Committed {
    new: 1,
    repeated: 0,
    problem: None,
};
const REPEAT: Committed = Committed {
    new: 0,
    repeated: 1,
    problem: None,
};

impl World {
    /// Names of the existing epoch partitions.
    async fn epochs(&self) -> Vec<String> {
        self.texts(
            "SELECT relname::text FROM pg_class WHERE relname ~ '^dedupe_[0-9]+$' ORDER BY relname",
        )
        .await
    }
}

#[tokio::test]
async fn a_repeat_is_recognised_for_one_to_two_windows() {
    let world = World::create().await;
    let mut session = world.writer().await;
    let mut upkeep = world.connect().await;
    let begun = epoch::current(&mut upkeep).await.unwrap();

    // Arrivals on day 1 and day 3 of the same window.
    let first = [days_ago(20, vec![comment(1)])];
    assert_eq!(session.commit(&first).await, [NEW]);
    let again = [days_ago(18, vec![comment(1)])];
    assert_eq!(session.commit(&again).await, [REPEAT]);

    // The epoch does not move before the end of the window.
    let early = begun.since + WEEK - DAY;
    assert!(!epoch::advance(&mut upkeep, WEEK, early).await.unwrap());
    let flipped = begun.since + WEEK;
    assert!(epoch::advance(&mut upkeep, WEEK, flipped).await.unwrap());
    let current = epoch::current(&mut upkeep).await.unwrap();
    assert_eq!(current.number, begun.number + 1);
    assert_eq!(current.since.as_second(), flipped.as_second());
    assert_eq!(world.epochs().await, ["dedupe_1", "dedupe_2"]);
    let next_window = [days_ago(13, vec![comment(1)])];
    assert_eq!(session.commit(&next_window).await, [REPEAT]);

    // A repeat does not renew a key: the key expires with the window of its event.
    assert!(
        epoch::advance(&mut upkeep, WEEK, flipped + WEEK)
            .await
            .unwrap()
    );
    assert_eq!(world.epochs().await, ["dedupe_2", "dedupe_3"]);
    let too_late = [days_ago(5, vec![comment(1)])];
    assert_eq!(session.commit(&too_late).await, [NEW]);
    assert_eq!(world.sizes().await, [4, 2, 2]);
}

/// A spool may redeliver very late: the keys have expired, but the delivery ids are still known.
#[tokio::test]
async fn a_delivery_that_comes_again_after_two_windows_brings_nothing_new() {
    let world = World::create().await;
    let mut session = world.writer().await;
    let old = delivery(vec![message(1), message(2), message(2)]);
    session.commit(std::slice::from_ref(&old)).await;
    let mut upkeep = world.connect().await;
    for current in [1, 2] {
        epoch::flip(&mut upkeep, current, now()).await.unwrap();
    }
    let before = world.sizes().await;
    let again = [old.clone(), delivery(vec![message(3)])];
    let nothing_new = Committed {
        repeated: 3,
        ..Committed::default()
    };
    assert_eq!(session.commit(&again).await, [nothing_new, NEW]);
    let [deliveries, events, repeats] = before;
    assert_eq!(world.sizes().await, [deliveries + 1, events + 1, repeats]);
}

#[tokio::test]
async fn a_writer_that_believes_the_old_epoch_writes_nothing_and_reads_again() {
    let world = World::create().await;
    let mut session = world.writer().await;
    session.commit(&[delivery(vec![comment(1)])]).await;
    assert_eq!(session.known.epoch, Some(1));
    let mut upkeep = world.connect().await;
    epoch::flip(&mut upkeep, 1, now()).await.unwrap();

    let both = [delivery(vec![comment(1)]), delivery(vec![comment(2)])];
    assert_eq!(session.commit(&both).await, [REPEAT, NEW]);
    assert_eq!(session.known.epoch, Some(2));
    let keys = "SELECT epoch || ' ' || count(*) FROM dedupe GROUP BY epoch ORDER BY epoch";
    assert_eq!(world.texts(keys).await, ["1 1", "2 1"]);
    // The attempt in the old epoch drew no position; the repeat drew one.
    assert_eq!(world.number("SELECT max(position) FROM events").await, 3);
    assert_eq!(world.number("SELECT position FROM repeats").await, 2);
}

#[tokio::test]
async fn a_commit_that_waits_for_a_flip_ends_in_the_new_epoch() {
    let world = World::create().await;
    let (mut session, mut upkeep) = (world.writer().await, world.connect().await);
    session.commit(&[delivery(vec![comment(1)])]).await;
    let mut flipping = upkeep.begin().await.unwrap();
    epoch::flip(&mut flipping, 1, now()).await.unwrap();

    let batch = [delivery(vec![comment(1), comment(2)])];
    let flipped = async {
        world.until_waiting(1).await;
        flipping.commit().await.unwrap();
    };
    let (committed, ()) = tokio::join!(session.commit(&batch), flipped);
    let expected = Committed {
        new: 1,
        repeated: 1,
        problem: None,
    };
    assert_eq!(committed, [expected]);
    assert_eq!(
        world
            .number("SELECT count(*) FROM dedupe WHERE epoch = 2")
            .await,
        1
    );
    assert_eq!(world.sizes().await, [2, 2, 1]);
}

#[tokio::test]
async fn a_flip_waits_for_the_commit_under_way() {
    let world = World::create().await;
    let mut session = world.writer().await;
    session.run("BEGIN").await;
    session.commit(&[delivery(vec![comment(1)])]).await;
    let mut upkeep = world.connect().await;
    let end = async {
        world.until_waiting(1).await;
        session.run("COMMIT").await;
    };
    let (flipped, ()) = tokio::join!(epoch::flip(&mut upkeep, 1, now()), end);
    flipped.unwrap();
    let again = [delivery(vec![comment(1)])];
    assert_eq!(world.writer().await.commit(&again).await, [REPEAT]);
}

/// Commits all events of the round. Even and odd writers use opposite orders.
async fn write(session: &mut Session, round: u32, writer: u32) {
    for step in 0..10 {
        let place = if writer.is_multiple_of(2) {
            step
        } else {
            9 - step
        };
        let number = round * 100 + place;
        let batch = [
            delivery(vec![comment(number), message(number)]),
            delivery(vec![comment(number + 50)]),
        ];
        session.commit(&batch).await;
    }
}

#[tokio::test]
async fn flips_raced_against_writers_neither_double_nor_lose() {
    const ROUNDS: u32 = 6;
    let world = World::create().await;
    let mut upkeep = world.connect().await;
    let (mut a, mut b, mut c) = (
        world.writer().await,
        world.writer().await,
        world.writer().await,
    );
    for round in 0..ROUNDS {
        let before = epoch::current(&mut upkeep).await.unwrap();
        let later = before.since + WEEK;
        let ((), (), (), moved) = tokio::join!(
            write(&mut a, round, 0),
            write(&mut b, round, 1),
            write(&mut c, round, 2),
            epoch::advance(&mut upkeep, WEEK, later),
        );
        assert!(moved.unwrap());
    }
    let rounds = i64::from(ROUNDS);
    assert_eq!(
        world.sizes().await,
        [60 * rounds, 30 * rounds, 60 * rounds],
        "of three writers each event is one's own and two others' repeat"
    );
    let keys = "SELECT count(DISTINCT dedupe_key) FROM events";
    assert_eq!(world.number(keys).await, 30 * rounds);
    assert_eq!(world.epochs().await, ["dedupe_6", "dedupe_7"]);
}

#[tokio::test]
async fn two_that_advance_at_once_move_one_window() {
    let world = World::create().await;
    let (mut one, mut other) = (world.connect().await, world.connect().await);
    let later = now() + WEEK;
    let moved = tokio::join!(
        epoch::advance(&mut one, WEEK, later),
        epoch::advance(&mut other, WEEK, later)
    );
    assert!(moved.0.unwrap() | moved.1.unwrap());
    assert_eq!(epoch::current(&mut one).await.unwrap().number, 2);
}

#[tokio::test]
async fn keys_that_were_detached_but_not_dropped_go_next_time() {
    let world = World::create().await;
    let mut upkeep = world.connect().await;
    epoch::flip(&mut upkeep, 1, now()).await.unwrap();
    epoch::flip(&mut upkeep, 2, now()).await.unwrap();
    world
        .run("ALTER TABLE dedupe DETACH PARTITION dedupe_1")
        .await;
    epoch::advance(&mut upkeep, WEEK, now()).await.unwrap();
    assert_eq!(world.epochs().await, ["dedupe_2", "dedupe_3"]);
}

#[tokio::test]
async fn days_of_late_deliveries_are_noted() {
    let world = World::create().await;
    let mut session = world.writer().await;
    let hours_ago = |hours| now() - SignedDuration::from_hours(hours);
    let soon = now() - SignedDuration::from_mins(50);
    session.commit(&[delivery_at(soon, vec![comment(1)])]).await;
    assert_eq!(world.number("SELECT count(*) FROM late_days").await, 0);

    let old = hours_ago(72);
    let batch = [
        delivery_at(old, vec![comment(2), comment(3)]),
        delivery(vec![comment(4)]),
    ];
    session.commit(&batch).await;
    let noted = "SELECT day || ' ' || last_position FROM late_days";
    let day = hookshelf::store::day(old);
    let position = async |number| {
        let of = format!("SELECT position FROM events WHERE comment_id = 'comment-{number}'");
        world.number(&of).await
    };
    let third = position(3).await;
    assert_eq!(world.texts(noted).await, [format!("{day} {third}")]);

    // A repeat is noted like an event, because both are in the log.
    session.commit(&[delivery_at(old, vec![comment(2)])]).await;
    let repeat = world.number("SELECT max(position) FROM repeats").await;
    assert!(repeat > third);
    assert_eq!(world.texts(noted).await, [format!("{day} {repeat}")]);
    session.commit(&[delivery_at(old, vec![comment(5)])]).await;
    let fifth = position(5).await;
    assert_eq!(world.texts(noted).await, [format!("{day} {fifth}")]);

    // The day of a delivery from a server with a fast clock is noted, too.
    session
        .commit(&[delivery_at(hours_ago(-50), vec![comment(6)])])
        .await;
    let ahead = hookshelf::store::day(hours_ago(-50));
    let latest = format!("{noted} ORDER BY last_position DESC LIMIT 1");
    let sixth = position(6).await;
    assert_eq!(world.texts(&latest).await, [format!("{ahead} {sixth}")]);
}

#[tokio::test]
async fn a_server_with_another_isolation_by_default_changes_nothing() {
    let world = World::create().await;
    world
        .run(
            "DO $$ BEGIN EXECUTE format(
                 'ALTER DATABASE %I SET default_transaction_isolation = serializable',
                 current_database()); END $$",
        )
        .await;
    let (mut first, mut second) = (world.writer().await, world.writer().await);
    first.run("BEGIN").await;
    first.commit(&[delivery(vec![comment(1)])]).await;
    let batch = [delivery(vec![comment(1)])];
    let end = async {
        world.until_waiting(1).await;
        first.run("COMMIT").await;
    };
    let (committed, ()) = tokio::join!(second.commit(&batch), end);
    assert_eq!(committed, [REPEAT]);
}
