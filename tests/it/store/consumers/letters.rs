//! Dead letters: lists, retries, and their end.

use hookshelf::{
    meta::event::Source,
    store::{
        Delivery,
        consumers::{
            self, Flush, LetterState,
            LetterState::{Dead, Discarded, Retried, Settled},
            Letters, Marked,
        },
    },
};
use sqlx::PgConnection;

use super::{HOUR, WRITTEN, change, die, flush, letters, take, wait};
use crate::store::{
    World,
    items::{comment, delivery},
};

/// Rows of consumers that are no dead letters.
const OTHERS: &str = "
    SELECT 'consumer ' || c FROM consumers AS c
    UNION ALL SELECT 'lane ' || l FROM consumer_lanes AS l ORDER BY 1";

impl World {
    /// Registers `bot` with dead letters at 4, 5, 6 and 7.
    async fn with_letters() -> (Self, PgConnection) {
        let (world, mut conn) = Self::with_consumer().await;
        take(&mut conn, "one").await.unwrap();
        let dead = [4, 5, 6, 7].map(|position| (position, die(5, "http_500")));
        assert_eq!(change(&mut conn, 1, dead).await, WRITTEN);
        (world, conn)
    }
}

/// Positions and states of all letters, the newest first.
async fn states(conn: &mut PgConnection) -> Vec<(i64, LetterState)> {
    let letters = letters(conn).await;
    letters.iter().map(|it| (it.position, it.state)).collect()
}

async fn retry(conn: &mut PgConnection, marked: Marked<'_>) -> Vec<i64> {
    consumers::retry(conn, "bot", marked).await.unwrap()
}

async fn discard(conn: &mut PgConnection, marked: Marked<'_>) -> Vec<i64> {
    consumers::discard(conn, "bot", marked).await.unwrap()
}

/// Positions of the letters that an owner has to hand out.
async fn retried(conn: &mut PgConnection, after: i64, limit: u32) -> Vec<i64> {
    let letters = consumers::retried(conn, "bot", after, limit).await;
    letters.unwrap().iter().map(|it| it.position).collect()
}

#[tokio::test]
async fn letters_are_marked_by_position_or_all_at_once() {
    let (_world, mut conn) = World::with_letters().await;
    assert_eq!(retry(&mut conn, Marked::At(&[6, 5, 50])).await, [5, 6]);
    assert_eq!(discard(&mut conn, Marked::At(&[4, 5])).await, [4]);
    assert_eq!(retry(&mut conn, Marked::At(&[4, 5])).await, [5]);
    assert_eq!(discard(&mut conn, Marked::Dead).await, [7]);
    assert_eq!(retry(&mut conn, Marked::Dead).await, [0; 0]);
    assert_eq!(
        states(&mut conn).await,
        [(7, Discarded), (6, Retried), (5, Retried), (4, Discarded)]
    );
    let other = consumers::retry(&mut conn, "other", Marked::At(&[6])).await;
    assert_eq!(other.unwrap(), [0; 0]);
}

#[tokio::test]
async fn a_retried_letter_ends_settled_or_dead_again() {
    let (_world, mut conn) = World::with_letters().await;
    assert_eq!(retry(&mut conn, Marked::Dead).await, [4, 5, 6, 7]);
    assert_eq!(retried(&mut conn, 0, 2).await, [4, 5]);
    assert_eq!(retried(&mut conn, 5, 10).await, [6, 7]);
    let first_at = letters(&mut conn).await[1].first_at;
    let ended = Flush {
        lanes: [(6, die(6, "timeout"))].into(),
        settled_letters: vec![4, 5],
        ..flush(1)
    };
    for _ in 0..2 {
        assert_eq!(consumers::flush(&mut conn, &ended).await.unwrap(), WRITTEN);
    }
    assert_eq!(
        states(&mut conn).await,
        [(7, Retried), (6, Dead), (5, Settled), (4, Settled)]
    );
    let again = consumers::dead_letter(&mut conn, "bot", 6).await.unwrap();
    let again = again.unwrap();
    assert_eq!((again.attempts, &*again.code), (6, "timeout"));
    assert_eq!(again.first_at, first_at);
    assert_eq!(retried(&mut conn, 0, 10).await, [7]);
    assert_eq!(retry(&mut conn, Marked::At(&[4, 5])).await, [0; 0]);
}

#[tokio::test]
async fn a_flush_changes_no_letter_that_was_discarded() {
    let (_world, mut conn) = World::with_letters().await;
    discard(&mut conn, Marked::At(&[4, 6])).await;
    let ended = Flush {
        lanes: [(4, die(5, "http_500"))].into(),
        settled_letters: vec![5, 6],
        ..flush(1)
    };
    assert_eq!(consumers::flush(&mut conn, &ended).await.unwrap(), WRITTEN);
    let states = states(&mut conn).await;
    assert_eq!(states[1..], [(6, Discarded), (5, Settled), (4, Discarded)]);
}

#[tokio::test]
async fn an_event_that_fails_again_long_after_its_letter_was_discarded_is_dead() {
    let (world, mut conn) = World::with_letters().await;
    discard(&mut conn, Marked::At(&[4])).await;
    world
        .run("UPDATE dead_letters SET last_at = last_at - interval '1 day' WHERE position = 4")
        .await;
    let ended = Flush {
        lanes: [(4, die(5, "http_500"))].into(),
        ..flush(1)
    };
    assert_eq!(consumers::flush(&mut conn, &ended).await.unwrap(), WRITTEN);
    assert_eq!(states(&mut conn).await[3], (4, Dead));
}

#[tokio::test]
async fn letters_are_listed_by_state_page_by_page() {
    let (_world, mut conn) = World::with_letters().await;
    retry(&mut conn, Marked::At(&[5])).await;
    let cases = [
        (None, vec![vec![7, 6], vec![5, 4]]),
        (Some(Dead), vec![vec![7, 6], vec![4]]),
        (Some(Retried), vec![vec![5]]),
        (Some(Settled), vec![]),
    ];
    for (state, expected) in cases {
        let mut pages = Vec::new();
        let mut before = None;
        loop {
            let page = Letters {
                state,
                before,
                limit: 2,
            };
            let page = consumers::dead_letters(&mut conn, "bot", page).await;
            let page: Vec<i64> = page.unwrap().iter().map(|it| it.position).collect();
            let Some(last) = page.last() else { break };
            before = Some(*last);
            pages.push(page);
        }
        assert_eq!(pages, expected, "{state:?}");
    }
    let unknown = consumers::dead_letter(&mut conn, "bot", 50).await;
    assert_eq!(unknown.unwrap(), None);
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
    let lanes = positions.iter().map(|it| (*it, wait(1, "timeout", HOUR)));
    let waiting = Flush {
        position: positions[2],
        heads: positions.clone(),
        lanes: lanes.collect(),
        ..flush(1)
    };
    let flushed = consumers::flush(&mut conn, &waiting).await.unwrap();
    assert_eq!(flushed, WRITTEN);
    let before = world.texts(OTHERS).await;
    assert_eq!(before.len(), 4);
    let purged = world.purge_all().await;
    assert_eq!((purged[0].events, purged[0].turned), (1, 1));
    let letters: Vec<i64> = letters(&mut conn)
        .await
        .iter()
        .map(|it| it.position)
        .collect();
    assert_eq!(letters, positions[2..]);
    assert_eq!(world.texts(OTHERS).await, before);
}
