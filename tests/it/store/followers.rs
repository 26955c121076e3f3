//! A reader that follows positions never misses an event, with any number of concurrent writers.

use std::sync::atomic::{AtomicUsize, Ordering};

use hookshelf::{meta::event::Event, store::Delivery};
use sqlx::PgConnection;

use super::{
    World,
    items::{comment, delivery, message},
};
use crate::support::eventually;

const WRITERS: u32 = 4;
const ROUNDS: u32 = 40;

/// Reads all positions after the last one.
struct Follower {
    connection: PgConnection,
    seen: Vec<i64>,
}

impl Follower {
    async fn of(world: &World) -> Self {
        Self {
            connection: world.connect().await,
            seen: Vec::new(),
        }
    }

    async fn read(&mut self) {
        let last = self.seen.last().copied().unwrap_or(0);
        let sql = "SELECT position FROM events WHERE position > $1 ORDER BY position";
        let found: Vec<i64> = sqlx::query_scalar(sql)
            .bind(last)
            .fetch_all(&mut self.connection)
            .await
            .unwrap();
        self.seen.extend(found);
    }

    /// Positions that the follower has not seen and will never see.
    async fn missed(&mut self) -> Vec<i64> {
        self.read().await;
        let all: Vec<i64> = sqlx::query_scalar("SELECT position FROM events ORDER BY position")
            .fetch_all(&mut self.connection)
            .await
            .unwrap();
        let seen = &self.seen;
        all.into_iter()
            .filter(|position| !seen.contains(position))
            .collect()
    }
}

/// Commits events of one writer, and events that all writers commit.
async fn write(world: &World, writer: u32) {
    let mut session = world.writer().await;
    for round in 0..ROUNDS {
        let own = 1_000_000 * (writer + 1) + round;
        let batch = [
            delivery(vec![comment(own), message(own)]),
            delivery(vec![comment(round), message(own + 500_000)]),
        ];
        session.commit(&batch).await;
    }
}

#[tokio::test]
async fn a_follower_sees_every_event_of_many_writers_once() {
    let world = World::create().await;
    let mut follower = Follower::of(&world).await;
    let done = AtomicUsize::new(0);
    let writers = async {
        let write = async |writer| {
            write(&world, writer).await;
            done.fetch_add(1, Ordering::Relaxed);
        };
        tokio::join!(write(0), write(1), write(2), write(3));
    };
    let reads = AtomicUsize::new(0);
    let reading = async {
        while done.load(Ordering::Relaxed) < WRITERS as usize {
            follower.read().await;
            reads.fetch_add(1, Ordering::Relaxed);
        }
    };
    tokio::join!(writers, reading);

    assert_eq!(follower.missed().await, Vec::<i64>::new());
    assert!(follower.seen.is_sorted_by(|one, next| one < next));
    let events = (WRITERS * ROUNDS * 3 + ROUNDS) as usize;
    assert_eq!(follower.seen.len(), events);
    assert!(reads.into_inner() > 1, "it read while they wrote");
}

/// A comment for an account; two such commits share only the lock on the fence.
fn of_account(account: &str) -> Delivery {
    let event = Event {
        account_id: Some(account.into()),
        ..comment(account.parse().unwrap())
    };
    delivery(vec![event])
}

/// Runs two commits, of which the second could end first. Returns the positions missed by a
/// follower that reads after the end of each commit.
async fn missed_by_a_follower(world: &World) -> Vec<i64> {
    let mut follower = Follower::of(world).await;
    let (mut slow, mut quick) = (world.writer().await, world.writer().await);
    slow.run("BEGIN").await;
    slow.commit(&[of_account("1")]).await;
    let batch = [of_account("2")];
    let second = async { quick.commit(&batch).await };
    let rest = async {
        // The second commit either waits for the first or is done.
        let mut reader = world.connect().await;
        eventually("the second commit waits or is done", async || {
            let sql = "SELECT EXISTS (SELECT FROM events)
                       OR EXISTS (SELECT FROM pg_stat_activity
                                  WHERE datname = current_database() AND wait_event_type = 'Lock')";
            let query = sqlx::query_scalar(sql);
            query.fetch_one(&mut reader).await.unwrap()
        })
        .await;
        follower.read().await;
        slow.run("COMMIT").await;
    };
    tokio::join!(second, rest);
    follower.missed().await
}

#[tokio::test]
async fn a_later_position_waits_for_the_commit_of_an_earlier_one() {
    let world = World::create().await;
    assert_eq!(missed_by_a_follower(&world).await, Vec::<i64>::new());
    assert_eq!(world.sizes().await, [2, 2, 0]);
}

/// Control experiment: the fence is replaced by a view, which cannot be locked.
#[tokio::test]
async fn without_the_fence_a_follower_misses_an_event() {
    let world = World::create().await;
    world
        .run(
            "ALTER TABLE commit_fence RENAME TO fence_set_aside;
             CREATE VIEW commit_fence AS SELECT true AS one, 1 AS epoch, now() AS epoch_since",
        )
        .await;
    assert_eq!(missed_by_a_follower(&world).await.len(), 1);
    assert_eq!(world.sizes().await, [2, 2, 0]);
}

#[tokio::test]
async fn positions_follow_the_order_of_items_in_a_batch() {
    let world = World::create().await;
    let numbers = [7, 3, 9, 1, 8, 2, 6, 4, 5];
    let batch: Vec<_> = numbers
        .chunks(2)
        .map(|pair| delivery(pair.iter().map(|number| comment(*number)).collect()))
        .collect();
    world.writer().await.commit(&batch).await;
    let stored = world
        .texts("SELECT comment_id FROM events ORDER BY position")
        .await;
    assert_eq!(
        stored,
        numbers.map(|number| format!("comment-{number}")).to_vec()
    );
}
