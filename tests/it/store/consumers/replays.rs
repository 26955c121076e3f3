//! Progress of replays, written by the flushes of the owner.

use hookshelf::store::{
    consumers::{self, Flush, Flushed},
    replays::{self, NewReplay, Replay, ReplayChoice, ReplayProgress, ReplayState},
};
use sqlx::PgConnection;

use super::{WRITTEN, flush, take};
use crate::store::World;

async fn create(conn: &mut PgConnection, consumer: &str) -> i32 {
    let new = NewReplay {
        consumer,
        choice: ReplayChoice::default(),
        rate: Some(5),
        note: Some("again"),
        operator: "test",
        events: 9,
        after: 10,
        through: 90,
    };
    replays::create(conn, new).await.unwrap()
}

async fn replay(conn: &mut PgConnection, id: i32) -> Replay {
    replays::replay(conn, id).await.unwrap().unwrap()
}

fn progress(id: i32) -> ReplayProgress {
    ReplayProgress {
        id,
        position: 60,
        heads: vec![20, 50],
        settled: 3,
        skipped: 2,
        dead: 1,
        is_done: false,
    }
}

fn done(id: i32) -> ReplayProgress {
    ReplayProgress {
        position: 90,
        heads: Vec::new(),
        settled: 6,
        is_done: true,
        ..progress(id)
    }
}

/// Result of a flush with this progress.
async fn write(conn: &mut PgConnection, generation: i64, replays: Vec<ReplayProgress>) -> Flushed {
    let flush = Flush {
        replays,
        ..flush(generation)
    };
    consumers::flush(conn, &flush).await.unwrap()
}

/// Numbers of the replays that the owner gets.
async fn seen(conn: &mut PgConnection, known: &[i32]) -> Vec<i32> {
    let seen = replays::running_and(conn, "bot", known).await.unwrap();
    seen.iter().map(|it| it.id).collect()
}

async fn unfinished(conn: &mut PgConnection) -> Vec<i32> {
    let unfinished = replays::unfinished(conn, "bot").await.unwrap();
    unfinished.iter().map(|it| it.id).collect()
}

#[tokio::test]
async fn progress_can_be_written_again_and_ends_with_the_replay() {
    let (_world, mut conn) = World::with_consumer().await;
    take(&mut conn, "one").await.unwrap();
    let (first, other) = (
        create(&mut conn, "bot").await,
        create(&mut conn, "other").await,
    );
    for _ in 0..2 {
        let both = vec![progress(first), progress(other)];
        assert_eq!(write(&mut conn, 1, both).await, WRITTEN);
        let written = replay(&mut conn, first).await;
        assert_eq!((written.position, &written.heads[..]), (60, &[20, 50][..]));
        assert_eq!((written.settled, written.skipped, written.dead), (3, 2, 1));
        assert_eq!(written.state, ReplayState::Running);
    }
    assert_eq!(
        replay(&mut conn, other).await.position,
        10,
        "of another consumer"
    );
    assert_eq!(write(&mut conn, 0, vec![done(first)]).await, Flushed::Lost);
    assert_eq!(write(&mut conn, 1, vec![done(first)]).await, WRITTEN);
    let ended = replay(&mut conn, first).await;
    assert_eq!((ended.state, ended.settled), (ReplayState::Done, 6));
    assert!(ended.ended_at.is_some());
    for late in [done(first), progress(first)] {
        assert_eq!(write(&mut conn, 1, vec![late]).await, WRITTEN);
        assert_eq!(replay(&mut conn, first).await, ended);
    }
}

#[tokio::test]
async fn a_cancelled_replay_stays_cancelled_and_counts_on() {
    let (_world, mut conn) = World::with_consumer().await;
    take(&mut conn, "one").await.unwrap();
    let id = create(&mut conn, "bot").await;
    let cancel = replays::set_state(&mut conn, id, ReplayState::Cancelled);
    assert!(cancel.await.unwrap());
    let cancelled = replay(&mut conn, id).await;
    assert_eq!(write(&mut conn, 1, vec![done(id)]).await, WRITTEN);
    let written = replay(&mut conn, id).await;
    assert_eq!(
        (written.state, written.settled),
        (ReplayState::Cancelled, 6)
    );
    assert_eq!(written.ended_at, cancelled.ended_at);
}

#[tokio::test]
async fn replays_of_a_removed_consumer_are_cancelled() {
    let (_world, mut conn) = World::with_consumer().await;
    take(&mut conn, "one").await.unwrap();
    let (ended, running) = (
        create(&mut conn, "bot").await,
        create(&mut conn, "bot").await,
    );
    let other = create(&mut conn, "other").await;
    assert_eq!(write(&mut conn, 1, vec![done(ended)]).await, WRITTEN);
    assert!(consumers::remove(&mut conn, "bot").await.unwrap());
    let mut states = Vec::new();
    for id in [ended, running, other] {
        states.push(replay(&mut conn, id).await.state);
    }
    assert_eq!(
        states,
        [
            ReplayState::Done,
            ReplayState::Cancelled,
            ReplayState::Running
        ]
    );
}

#[tokio::test]
async fn the_owner_gets_the_first_running_replay_and_those_it_knows() {
    let (_world, mut conn) = World::with_consumer().await;
    take(&mut conn, "one").await.unwrap();
    create(&mut conn, "other").await;
    let [first, second, third] = [
        create(&mut conn, "bot").await,
        create(&mut conn, "bot").await,
        create(&mut conn, "bot").await,
    ];
    assert_eq!(seen(&mut conn, &[]).await, [first]);
    assert_eq!(seen(&mut conn, &[third]).await, [first, third]);
    for id in [first, second] {
        let pause = replays::set_state(&mut conn, id, ReplayState::Paused);
        assert!(pause.await.unwrap());
    }
    assert_eq!(seen(&mut conn, &[first]).await, [first, third]);
    assert_eq!(
        unfinished(&mut conn).await,
        [third],
        "nothing of the others is out"
    );
    assert_eq!(write(&mut conn, 1, vec![progress(first)]).await, WRITTEN);
    assert_eq!(unfinished(&mut conn).await, [first, third]);
    assert_eq!(replay(&mut conn, first).await.state, ReplayState::Paused);
    assert_eq!(write(&mut conn, 1, vec![done(first)]).await, WRITTEN);
    assert_eq!(replay(&mut conn, first).await.state, ReplayState::Done);
}
