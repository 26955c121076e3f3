//! Commits during a reparse: they wait for nothing but the move itself.

use hookshelf::store::{Error, epoch};

use super::{EVENTS, World, now, said, stats, with_problem};

#[tokio::test]
async fn commits_do_not_wait_for_the_recount_of_conversations() {
    let world = World::create().await;
    let mut writer = world.writer().await;
    writer.commit(&[said(1..=20)]).await;
    world.run(&with_problem("position <= 10")).await;
    stats::count(&world, 1_000).await;
    world.list_conversations(1_000).await;
    let mut reparse = world.reparse().await;
    let plan = reparse.plan().await.unwrap();

    let mut holder = world.connect().await;
    let hold = "BEGIN; SELECT FROM conversations FOR UPDATE";
    sqlx::raw_sql(hold).execute(&mut holder).await.unwrap();
    let arriving = async {
        world.until_waiting(1).await;
        let fence = "SELECT FROM commit_fence FOR UPDATE NOWAIT";
        let is_free = sqlx::raw_sql(fence)
            .execute(&mut world.connect().await)
            .await;
        let new = writer.commit(&[said([21])]).await[0].new;
        drop(holder);
        (is_free.is_ok(), new)
    };
    let (moved, arrived) = tokio::join!(reparse.run(&plan), arriving);
    assert_eq!((moved.unwrap().moved, arrived), (10, (true, 1)));
    world.assert_consistent().await;
}

/// The conversations were counted without an event that then stays: a version that took a message for
/// a postback had counted it too.
#[tokio::test]
async fn an_event_whose_key_is_taken_during_the_recount_stays_with_its_counts() {
    let world = World::create().await;
    let mut writer = world.writer().await;
    writer.commit(&[said(1..=3)]).await;
    world.forget_kinds("position = 3").await;
    let postback = "UPDATE stored_events SET kind = 'postback', problem = 'id_too_long'
                    WHERE position = 3";
    world.run(postback).await;
    world.run(&with_problem("position = 2")).await;
    stats::count(&world, 1_000).await;
    world.list_conversations(1_000).await;
    epoch::flip(&mut world.connect().await, 1, now())
        .await
        .unwrap();
    let mut writer = world.writer().await;
    let mut reparse = world.reparse().await;
    let plan = reparse.plan().await.unwrap();
    assert_eq!(plan.changing(), 2);

    let mut holder = world.connect().await;
    let hold = "BEGIN; SELECT FROM conversations FOR UPDATE";
    sqlx::raw_sql(hold).execute(&mut holder).await.unwrap();
    let arriving = async {
        world.until_waiting(1).await;
        let new = writer.commit(&[said([3])]).await[0].new;
        drop(holder);
        new
    };
    let (moved, new) = tokio::join!(reparse.run(&plan), arriving);
    let moved = moved.unwrap();
    assert_eq!((moved.moved, moved.held, new), (1, 1, 1));
    world.assert_consistent().await;
}

/// Commits wait for the fence for no longer than the timeouts of the move.
#[tokio::test]
async fn a_move_that_takes_too_long_moves_nothing() {
    let world = World::create().await;
    let mut writer = world.writer().await;
    writer.commit(&[said(1..=4)]).await;
    world.forget_kinds("true").await;
    let before = world.texts(EVENTS).await;
    let mut reparse = world.reparse().await;
    let plan = reparse.plan().await.unwrap();

    let mut holder = world.connect().await;
    let hold = "BEGIN; SELECT FROM stored_events WHERE position = 3 FOR UPDATE";
    sqlx::raw_sql(hold).execute(&mut holder).await.unwrap();
    let ended = reparse.run(&plan).await.unwrap_err();
    assert!(matches!(ended, Error::LockTimeout(_)), "{ended:?}");
    drop(holder);
    world
        .run(
            "CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN PERFORM pg_sleep(300) WHERE NEW.message_id = ''mid-3''; RETURN NEW; END';
             CREATE TRIGGER linger BEFORE INSERT ON stored_events
             FOR EACH ROW EXECUTE FUNCTION linger()",
        )
        .await;
    let ended = reparse.run(&plan).await.unwrap_err();
    assert_eq!(ended.code(), "too_slow", "{ended:?}");
    world.run("DROP TRIGGER linger ON stored_events").await;

    assert_eq!(world.texts(EVENTS).await, before);
    world.assert_consistent().await;
    assert_eq!(reparse.run(&plan).await.unwrap().moved, 4);
    assert_eq!(writer.commit(&[said(1..=5)]).await[0].repeated, 4);
    world.assert_consistent().await;
}
