//! Attempts of destinations: written in batches, listed, and dropped after a week.

use hookshelf::store::attempts::{self, AttemptFilter, StoredAttempt};
use jiff::{Timestamp, ToSpan};

use super::{World, items::ago, now};

fn attempt(at: Timestamp, destination: &str, position: i64) -> StoredAttempt {
    StoredAttempt {
        // Postgres keeps microseconds.
        at: Timestamp::from_microsecond(at.as_microsecond()).unwrap(),
        destination: destination.to_owned(),
        position,
        received_at: "2026-11-20T12:00:00Z".parse().unwrap(),
        attempt: 2,
        outcome: "answered".to_owned(),
        status: Some(503),
        millis: 12,
    }
}

fn of(destination: &str) -> AttemptFilter {
    AttemptFilter {
        destination: destination.to_owned(),
        ..AttemptFilter::default()
    }
}

#[tokio::test]
async fn the_newest_attempts_of_a_destination_are_listed() {
    let world = World::create().await;
    let mut conn = world.connect().await;
    let now = now();
    let earlier = attempt(now - 2.seconds(), "chatwoot", 7);
    let unanswered = StoredAttempt {
        outcome: "timeout".to_owned(),
        status: None,
        ..attempt(now - 1.second(), "chatwoot", 8)
    };
    let other = attempt(now, "n8n", 7);
    let batch = [earlier.clone(), unanswered.clone(), other];
    attempts::write(&mut conn, &batch).await.unwrap();
    let found = attempts::newest(&mut conn, &of("chatwoot"), 10).await;
    assert_eq!(found.unwrap(), [unanswered.clone(), earlier.clone()]);
    let found = attempts::newest(&mut conn, &of("chatwoot"), 1).await;
    assert_eq!(found.unwrap(), std::slice::from_ref(&unanswered));
    let filters = [
        AttemptFilter {
            position: Some(7),
            ..of("chatwoot")
        },
        AttemptFilter {
            until: Some(unanswered.at),
            ..of("chatwoot")
        },
    ];
    for filter in filters {
        let found = attempts::newest(&mut conn, &filter, 10).await.unwrap();
        assert_eq!(found, std::slice::from_ref(&earlier), "{filter:?}");
    }
}

#[tokio::test]
async fn attempts_are_dropped_after_a_week() {
    let world = World::create().await;
    let mut conn = world.connect().await;
    let day = jiff::SignedDuration::from_hours(24);
    let batch = [ago(day * 8), ago(day * 7), now()].map(|at| attempt(at, "chatwoot", 7));
    attempts::write(&mut conn, &batch).await.unwrap();
    attempts::drop_old(&mut conn, now()).await.unwrap();
    let found = attempts::newest(&mut conn, &of("chatwoot"), 10).await;
    assert_eq!(found.unwrap(), [batch[2].clone(), batch[1].clone()]);
    attempts::drop_old(&mut conn, now()).await.unwrap();
}
