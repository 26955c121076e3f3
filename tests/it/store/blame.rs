//! Failures that are not caused by values must not cost a delivery its events.

use hookshelf::{
    ingest::{Failure, Writer},
    store::{Committed, Error},
};

use super::{
    Session, World,
    items::{comment, delivery, told_as},
};

impl Session {
    /// Commits, and expects an error that is not caused by values.
    async fn fails(&mut self, number: u32) -> Error {
        let sent = [delivery(vec![comment(number)])];
        let error = self.try_commit(&sent).await.unwrap_err();
        assert!(!error.may_be_the_values(), "{}", error.cause());
        error
    }
}

#[tokio::test]
async fn a_session_that_lost_what_it_had_prepared() {
    let world = World::create().await;
    let mut session = world.writer().await;
    session.commit(&[delivery(vec![comment(1)])]).await;
    // Same effect as a pooler that gives each transaction another session.
    session.run("DEALLOCATE ALL").await;
    session.fails(2).await;
}

#[tokio::test]
async fn a_session_that_does_not_see_what_is_committed() {
    let world = World::create().await;
    let (mut first, mut second) = (world.writer().await, world.writer().await);
    first.run("BEGIN").await;
    first.commit(&[delivery(vec![comment(1)])]).await;
    second
        .run("SET default_transaction_isolation = 'repeatable read'")
        .await;
    let end = async {
        world.until_waiting(1).await;
        first.run("COMMIT").await;
    };
    tokio::join!(second.fails(1), end);
    assert_eq!(world.sizes().await, [1, 1, 0]);
}

#[tokio::test]
async fn a_commit_that_is_not_there() {
    let world = World::create().await;
    let mut session = world.writer().await;
    world
        .run("ALTER FUNCTION commit_batch RENAME TO commit_of_another_version")
        .await;
    let error = session.fails(1).await;
    assert!(matches!(error, Error::Schema(_)), "{}", error.cause());
}

/// The column is needed only for deliveries with a repeat.
#[tokio::test]
async fn a_column_of_ours_that_is_not_there() {
    let world = World::create().await;
    let (writer, committer) = Writer::new(world.db.options(), None);
    tokio::spawn(committer.run());
    let first = writer.commit(delivery(vec![comment(1)])).await;
    assert_eq!(first.unwrap().new, 1);
    world
        .run("ALTER TABLE stored_repeats RENAME COLUMN kind TO sort")
        .await;
    let mixed = delivery(vec![told_as(comment(1), "{}"), comment(2)]);
    let failed = writer.commit(mixed.clone()).await;
    assert_eq!(failed, Err(Failure::StoreUnavailable));
    assert_eq!(world.sizes().await, [1, 1, 0]);
    world
        .run("ALTER TABLE stored_repeats RENAME COLUMN sort TO kind")
        .await;
    let stored = Committed {
        new: 1,
        repeated: 1,
        problem: None,
    };
    crate::support::eventually("it is stored with its events", async || {
        writer.commit(mixed.clone()).await == Ok(stored)
    })
    .await;
}
