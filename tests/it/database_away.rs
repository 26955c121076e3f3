//! Postgres is unavailable, full, stuck or shutting down, and there is no spool: deliveries get 503
//! in time, no acked delivery is lost, and storing resumes without help.

use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::support::{
    eventually,
    message::message,
    server::{Answer, Server},
};

/// Documented limit: an answer within four seconds, whatever hangs.
const PROMISED: Duration = Duration::from_secs(4);

fn body(mid: &str) -> String {
    message(mid, "Rye, sliced")
}

#[track_caller]
fn is_told_to_come_again(answer: &Answer) {
    assert_eq!((answer.status, answer.body.len()), (503, 0));
    assert!(answer.headers.contains_key("retry-after"));
}

async fn events(database: &mut PgConnection) -> Vec<String> {
    sqlx::query_scalar("SELECT message_id FROM events ORDER BY position")
        .fetch_all(database)
        .await
        .unwrap()
}

async fn run(database: &mut PgConnection, sql: &'static str) {
    sqlx::raw_sql(sql).execute(database).await.unwrap();
}

/// Retries a delivery until it is acked, as Meta would.
async fn deliver_until_acked(server: &Server, mid: &str) {
    eventually("it is acked", async || {
        server.deliver("/webhook", body(mid)).await.status == 200
    })
    .await;
}

#[tokio::test]
async fn a_full_disk_is_said_and_loses_nothing() {
    let server = Server::start_without_spool().await;
    let mut database = server.database().await;
    assert_eq!(
        server.deliver("/webhook", body("mid.before")).await.status,
        200
    );
    // SQLSTATE of Postgres if a file cannot be extended.
    run(
        &mut database,
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$;
         CREATE TRIGGER full_disk BEFORE INSERT ON stored_deliveries
         FOR EACH ROW EXECUTE FUNCTION full_disk()",
    )
    .await;
    is_told_to_come_again(&server.deliver("/webhook", body("mid.full")).await);
    assert!(server.log().contains("disk_full"), "{}", server.log());
    run(&mut database, "DROP FUNCTION full_disk CASCADE").await;
    deliver_until_acked(&server, "mid.full").await;
    assert_eq!(events(&mut database).await, ["mid.before", "mid.full"]);
}

#[tokio::test]
async fn a_database_that_hangs_is_answered_for_in_time_and_stores_once() {
    let server = Server::start_without_spool().await;
    let mut database = server.database().await;
    assert_eq!(
        server.deliver("/webhook", body("mid.first")).await.status,
        200
    );
    let mut holder = database.begin().await.unwrap();
    sqlx::query("SELECT 1 FROM commit_fence FOR UPDATE")
        .execute(&mut *holder)
        .await
        .unwrap();

    let asked = Instant::now();
    let waiting = ["mid.a", "mid.b", "mid.c"].map(|mid| server.deliver("/webhook", body(mid)));
    let [a, b, c] = waiting;
    let (a, b, c) = tokio::join!(a, b, c);
    assert!(asked.elapsed() <= PROMISED, "{:?}", asked.elapsed());
    [a, b, c].iter().for_each(is_told_to_come_again);

    holder.rollback().await.unwrap();
    for mid in ["mid.a", "mid.b", "mid.c"] {
        deliver_until_acked(&server, mid).await;
    }
    let mut stored = events(&mut database).await;
    stored.sort();
    assert_eq!(stored, ["mid.a", "mid.b", "mid.c", "mid.first"]);
}

#[tokio::test]
async fn a_database_that_goes_away_is_missed_and_found_again() {
    let server = Server::start_without_spool().await;
    assert_eq!(
        server.deliver("/webhook", body("mid.first")).await.status,
        200
    );
    let place = server.place.as_ref().unwrap();
    let mut elsewhere = PgConnection::connect_with(&place.options().database("postgres"))
        .await
        .unwrap();
    let name = place.options().get_database().unwrap().to_owned();
    let mut forbid = async |allowed: bool| {
        let sql = format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {allowed}");
        sqlx::query(AssertSqlSafe(sql))
            .execute(&mut elsewhere)
            .await
            .unwrap();
        let ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
        sqlx::query(ended)
            .bind(&name)
            .execute(&mut elsewhere)
            .await
            .unwrap();
    };
    forbid(false).await;
    is_told_to_come_again(&server.deliver("/webhook", body("mid.away")).await);
    eventually("readiness tells", async || {
        server.ask_admin("/readyz").await.status == 503
    })
    .await;
    assert_eq!(server.get("/healthz").await.status, 200);
    forbid(true).await;
    deliver_until_acked(&server, "mid.away").await;
    eventually("readiness tells", async || {
        server.ask_admin("/readyz").await.status == 200
    })
    .await;
    assert_eq!(
        events(&mut server.database().await).await,
        ["mid.first", "mid.away"]
    );
    assert!(server.log().contains("commits resumed"), "{}", server.log());
}

#[tokio::test]
async fn a_missing_database_is_named_at_the_start() {
    let server = Server::start_without_spool().await;
    let started = std::process::Command::new(env!("CARGO_BIN_EXE_hookshelf"))
        .env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none")
        .env("HOOKSHELF__DATA_DIR", server.directory.join("another"))
        .env("HOOKSHELF__SPOOL__MAX_BYTES", "0")
        .env("HOOKSHELF__HTTP__LISTEN", "127.0.0.1:0")
        .env("HOOKSHELF__ADMIN__LISTEN", "127.0.0.1:0")
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(started.stderr).unwrap();
    assert_eq!(started.status.code(), Some(1));
    assert!(
        said.contains("check that it runs and that database.url is right"),
        "{said}"
    );
}

#[tokio::test]
async fn a_session_that_died_while_nobody_used_it_costs_no_503() {
    let server = Server::start_without_spool().await;
    assert_eq!(server.deliver("/webhook", body("mid.1")).await.status, 200);
    let ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE application_name = 'hookshelf writer' AND datname = current_database()";
    let ended: Vec<bool> = sqlx::query_scalar(ended)
        .fetch_all(&mut server.database().await)
        .await
        .unwrap();
    assert_eq!(ended, [true], "the writer had one session");
    assert_eq!(server.deliver("/webhook", body("mid.2")).await.status, 200);
    assert_eq!(
        events(&mut server.database().await).await,
        ["mid.1", "mid.2"]
    );
}
