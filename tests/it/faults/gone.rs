//! Postgres is killed, restarted or frozen, or has no connections left.

use sqlx::{ConnectOptions, Connection};

use super::stage::{Stage, until_missing};
use crate::support::eventually;

const WRITERS: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                       WHERE application_name = 'hookshelf writer'";

#[tokio::test]
async fn a_killed_postgres_is_missed_and_found_again() {
    let (mut stage, flow) = Stage::at_work(&[]).await;
    stage.postgres.kill();
    flow.is_put_off().await;
    until_missing(&stage.server, &["database"]).await;
    stage.postgres.start().await;
    stage.ends_well(flow).await;
}

#[tokio::test]
async fn commits_that_fail_while_postgres_answers_are_missed_too() {
    let (stage, flow) = Stage::at_work(&[]).await;
    let mut operator = stage.postgres.connect().await;
    let takes_away = "ALTER FUNCTION commit_batch RENAME TO commit_of_another_version";
    let gives_back = "ALTER FUNCTION commit_of_another_version RENAME TO commit_batch";
    sqlx::query(takes_away)
        .execute(&mut operator)
        .await
        .unwrap();
    flow.is_put_off().await;
    until_missing(&stage.server, &["commits"]).await;
    sqlx::query(gives_back)
        .execute(&mut operator)
        .await
        .unwrap();
    stage.ends_well(flow).await;
}

#[tokio::test]
async fn a_restart_of_postgres_is_waited_out_and_puts_nobody_off() {
    let (mut stage, flow) = Stage::at_work(&[]).await;
    for _ in 0..3 {
        stage.postgres.stop();
        stage.postgres.start().await;
        flow.goes_on().await;
    }
    assert_eq!(flow.put_off(), 0);
    stage.ends_well(flow).await;
}

#[tokio::test]
async fn a_postgres_stopped_where_it_is_is_answered_for_in_time() {
    let (stage, flow) = Stage::at_work(&[]).await;
    for _ in 0..2 {
        stage.postgres.freeze();
        flow.is_put_off().await;
        stage.postgres.thaw();
        flow.goes_on().await;
    }
    stage.ends_well(flow).await;
}

#[tokio::test]
async fn a_postgres_without_a_connection_left_is_found_again_when_there_is_one() {
    let (stage, flow) = Stage::at_work(&["max_connections=8"]).await;
    let mut operator = stage.postgres.connect().await;
    let mut hogs = Vec::new();
    while flow.put_off() == 0 {
        sqlx::query(WRITERS).execute(&mut operator).await.unwrap();
        while let Ok(hog) = stage.postgres.options().connect().await {
            hogs.push(hog);
        }
    }
    assert!(stage.server.log().contains("too_many_connections"));
    for hog in hogs {
        hog.close().await.unwrap();
    }
    // A backend ends after its client has left.
    eventually("a connection is free", async || {
        stage.postgres.options().connect().await.is_ok()
    })
    .await;
    stage.ends_well(flow).await;
}
