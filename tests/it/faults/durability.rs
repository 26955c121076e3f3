//! Postgres settings that break the durability that a 200 promises.

use sqlx::{Executor, PgConnection};

use crate::support::{cluster::Cluster, message::message, server::Server};

use super::stage::{serve, until_missing};

const WARNING: &str = "Postgres durability is off";

/// Trigger that records `synchronous_commit` of each commit.
const NOTING: &str = "
    CREATE TABLE noted (waits text);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO noted SELECT current_setting('synchronous_commit'); RETURN new; END $$;
    CREATE TRIGGER note BEFORE INSERT ON stored_deliveries FOR EACH ROW EXECUTE FUNCTION note()";

async fn noting(postgres: &Cluster) -> PgConnection {
    let mut operator = postgres.connect().await;
    sqlx::raw_sql(NOTING).execute(&mut operator).await.unwrap();
    operator
}

/// `synchronous_commit` during the commit of a delivery.
async fn waited_for(server: &Server, operator: &mut PgConnection, mid: &str) -> String {
    let answer = server.deliver("/webhook", message(mid, "A loaf")).await;
    assert_eq!(answer.status, 200);
    let noted = "DELETE FROM noted RETURNING waits";
    sqlx::query_scalar(noted).fetch_one(operator).await.unwrap()
}

async fn role(operator: &mut PgConnection, setting: &'static str) {
    let sql = sqlx::AssertSqlSafe(format!("ALTER ROLE hookshelf {setting}"));
    operator.execute(sql).await.unwrap();
}

fn warnings(server: &Server) -> usize {
    let log = server.log();
    let lines = log.lines().filter(|line| line.contains(WARNING));
    lines.filter(|line| line.contains("WARN")).count()
}

#[tokio::test]
async fn without_fsync_the_server_warns_and_is_not_ready() {
    let postgres = Cluster::start_with(&["fsync=off", "full_page_writes=off"]).await;
    let server = serve(&postgres.url(), "");
    until_missing(&server, &["fsync", "full_page_writes"]).await;
    assert_eq!(warnings(&server), 1);
    assert!(server.log().contains("fsync, full_page_writes"));
    let answer = server.deliver("/webhook", message("mid.1", "A loaf")).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn what_the_configuration_allows_is_ready_and_no_warning() {
    let settings = ["fsync=off", "synchronous_commit=off"];
    let postgres = Cluster::start_with(&settings).await;
    let server = serve(&postgres.url(), "allow_lossy_commits = true");
    until_missing(&server, &[]).await;
    assert_eq!(warnings(&server), 0);
    assert!(server.log().contains(WARNING), "it is mentioned");
    let mut operator = noting(&postgres).await;
    assert_eq!(waited_for(&server, &mut operator, "mid.1").await, "off");
}

#[tokio::test]
async fn a_role_whose_commits_do_not_wait_is_told_of_and_the_writer_waits_all_the_same() {
    let postgres = Cluster::start_with(&["fsync=on"]).await;
    role(
        &mut postgres.connect().await,
        "SET synchronous_commit = off",
    )
    .await;
    let server = serve(&postgres.url(), "");
    until_missing(&server, &["synchronous_commit"]).await;
    let mut operator = noting(&postgres).await;
    assert_eq!(waited_for(&server, &mut operator, "mid.1").await, "on");

    role(&mut operator, "RESET synchronous_commit").await;
    until_missing(&server, &[]).await;
    assert!(server.log().contains("durability is on again"));
    assert_eq!(warnings(&server), 1, "it is said once");

    // Changes the setting while the writer has a session.
    let off = "ALTER SYSTEM SET synchronous_commit = off";
    operator.execute(off).await.unwrap();
    operator.execute("SELECT pg_reload_conf()").await.unwrap();
    until_missing(&server, &["synchronous_commit"]).await;
    assert_eq!(warnings(&server), 2);
    assert_eq!(waited_for(&server, &mut operator, "mid.2").await, "on");
}

#[tokio::test]
async fn how_much_longer_commits_wait_is_the_operators_choice() {
    let postgres = Cluster::start_with(&["fsync=on"]).await;
    let mut operator = postgres.connect().await;
    for (number, choice) in ["local", "remote_write", "remote_apply"].iter().enumerate() {
        let sql = sqlx::AssertSqlSafe(format!(
            "ALTER ROLE hookshelf SET synchronous_commit = {choice}"
        ));
        operator.execute(sql).await.unwrap();
        let server = serve(&postgres.url(), "");
        until_missing(&server, &[]).await;
        if number == 0 {
            noting(&postgres).await;
        }
        let mid = format!("mid.{number}");
        assert_eq!(waited_for(&server, &mut operator, &mid).await, *choice);
    }
}
