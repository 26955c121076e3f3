//! Deliveries during a purge: an event that is not simulated is never lost or doubled, and never
//! waits for the end of the purge.

use std::time::Duration;

use hookshelf::store::{self, Error, epoch};
use tokio::time::timeout;

use super::{
    super::{
        World,
        items::{comment, days_ago, delivery},
        now,
    },
    commit_all, simulated,
};

#[tokio::test]
async fn a_server_that_starts_does_not_wait_for_it() {
    let world = World::create().await;
    let mut purge = world.purge().await;
    purge.begin().await.unwrap();
    let mut starting = world.connect().await;
    sqlx::raw_sql("SET lock_timeout = '2s'")
        .execute(&mut starting)
        .await
        .unwrap();
    store::migrate(&mut starting, now()).await.unwrap();
}

/// The commit reads the keys of the previous window only after the purge has deleted them.
#[tokio::test]
async fn what_waited_for_the_purge_of_its_key_is_an_event() {
    let world = World::create().await;
    let mut writer = world.writer().await;
    writer
        .commit(&[simulated(delivery(vec![comment(1), comment(2)]))])
        .await;
    epoch::flip(&mut world.connect().await, 1, now())
        .await
        .unwrap();
    writer.commit(&[delivery(vec![comment(3)])]).await;
    let mut purge = world.purge().await;
    purge.begin().await.unwrap();

    let mut holder = world.connect().await;
    let hold = "BEGIN; SELECT FROM commit_fence FOR UPDATE";
    sqlx::raw_sql(hold).execute(&mut holder).await.unwrap();
    let day = purge.plan().days[0].day;
    let arriving = async {
        world.until_waiting(1).await;
        let live = [delivery(vec![comment(1)])];
        let release = async {
            world.until_waiting(2).await;
            sqlx::raw_sql("ROLLBACK")
                .execute(&mut holder)
                .await
                .unwrap();
        };
        let (committed, ()) = tokio::join!(writer.commit(&live), release);
        committed[0].new
    };
    let (purged, new) = tokio::join!(purge.day(day), arriving);
    assert_eq!((purged.unwrap().keys, new), (2, 1));
    world.assert_whole().await;
}

/// Same as for an expired key, but the new event arrives after the survey.
#[tokio::test]
async fn a_key_that_a_new_event_took_meanwhile_stays() {
    let world = World::create().await;
    let mut writer = world.writer().await;
    let old = simulated(days_ago(20, vec![comment(1), comment(2)]));
    writer.commit(&[old]).await;
    world
        .run("DELETE FROM dedupe; UPDATE commit_fence SET epoch_since = now() - interval '1 day'")
        .await;
    let mut purge = world.purge().await;
    purge.begin().await.unwrap();
    let live = || delivery(vec![comment(1)]);
    let also = || delivery(vec![comment(2)]);
    commit_all(&mut writer, &[live(), also(), also()]).await;
    let purged = purge.day(purge.plan().days[0].day).await.unwrap();
    purge.finish().await.unwrap();
    assert_eq!((purged.events, purged.keys, purged.turned), (2, 0, 0));
    assert_eq!(writer.commit(&[live()]).await[0].repeated, 1);
    world.assert_whole().await;
}

/// A session edits the row of an account and keeps its transaction open.
#[tokio::test]
async fn commits_do_not_wait_for_whom_it_waits_for() {
    let world = World::create().await;
    let mut writer = world.writer().await;
    writer
        .commit(&[simulated(delivery(vec![comment(1)]))])
        .await;
    let mut editor = world.connect().await;
    let edit = "BEGIN; UPDATE accounts SET label = label";
    sqlx::raw_sql(edit).execute(&mut editor).await.unwrap();

    let mut purge = world.purge().await;
    let begun = timeout(Duration::from_secs(30), purge.begin()).await;
    let given_up = begun.expect("it gives up").unwrap_err();
    assert!(matches!(given_up, Error::LockTimeout(_)), "{given_up}");
    let live = [delivery(vec![comment(2)])];
    assert_eq!(writer.commit(&live).await[0].new, 1);
}

/// A commit takes the fence, and then the event that it completes.
#[tokio::test]
async fn a_commit_that_completes_an_event_does_not_wait_for_whom_waits_for_it() {
    let world = World::create().await;
    let mut writer = world.writer().await;
    writer.commit(&[delivery(vec![comment(9)])]).await;
    writer
        .commit(&[simulated(delivery(vec![comment(1), comment(2)]))])
        .await;
    let mut purge = world.purge().await;
    purge.begin().await.unwrap();
    let day = purge.plan().days[0].day;

    let mut commit = world.connect().await;
    let fence = "BEGIN; SELECT FROM commit_fence FOR UPDATE";
    sqlx::raw_sql(fence).execute(&mut commit).await.unwrap();
    let completing = async {
        world.until_waiting(1).await;
        let event = "SELECT FROM stored_events WHERE source = 'simulated' FOR UPDATE NOWAIT";
        let locked = sqlx::raw_sql(event).execute(&mut commit).await;
        drop(commit);
        locked.map(|rows| rows.rows_affected())
    };
    let (purged, locked) = tokio::join!(purge.day(day), completing);
    assert_eq!((locked.unwrap(), purged.unwrap().events), (2, 2));
    world.assert_whole().await;
}
