//! A delivery that makes Postgres fail, among a thousand healthy ones, over HTTP.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use sqlx::AssertSqlSafe;
use tokio::{task::JoinSet, time::timeout};

use crate::support::{
    eventually,
    message::message,
    server::{Server, deliver_to},
};

use super::stage::Flow;

/// Documented limit: an answer within four seconds.
const PROMISED: Duration = Duration::from_secs(4);

const MANY: usize = 1_000;
const AT_ONCE: usize = 100;

/// Timeout for all deliveries to be acked.
const PATIENCE: Duration = Duration::from_mins(1);

/// True for the numbers of bad deliveries.
type IsBad = fn(usize) -> bool;

/// Adds a trigger of the operator that runs `what` for events whose text begins with `bad`.
async fn rule(server: &Server, what: &str) {
    let sql = format!(
        "CREATE FUNCTION rule() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN {what}; RETURN new; END $$;
         CREATE TRIGGER rule BEFORE INSERT ON stored_events
             FOR EACH ROW WHEN (new.text LIKE 'bad%') EXECUTE FUNCTION rule()"
    );
    let mut database = server.database().await;
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&mut database)
        .await
        .unwrap();
}

async fn count(server: &Server, of: &'static str) -> usize {
    let sql = AssertSqlSafe(format!("SELECT count(*) FROM {of}"));
    let count: i64 = sqlx::query_scalar(sql)
        .fetch_one(&mut server.database().await)
        .await
        .unwrap();
    usize::try_from(count).unwrap()
}

/// Delivers [`MANY`] messages, [`AT_ONCE`] at a time. Each answer must arrive in time; a delivery
/// with 503 on a busy machine is retried.
async fn deliver_many(server: &Server, what: &str, is_bad: IsBad) {
    let mut senders = JoinSet::new();
    for first in 0..AT_ONCE {
        let to = server.public;
        senders.spawn(async move {
            for number in (first..MANY).step_by(AT_ONCE) {
                let text = if is_bad(number) { "bad" } else { "good" };
                deliver_until_acked(to, message(&format!("mid.{number}"), text)).await;
            }
        });
    }
    let ended = timeout(PATIENCE, senders.join_all()).await;
    assert!(ended.is_ok(), "{what}");
}

async fn deliver_until_acked(to: SocketAddr, body: String) {
    loop {
        let asked = Instant::now();
        let answer = deliver_to(to, "/webhook", body.clone()).await.unwrap();
        assert!(asked.elapsed() <= PROMISED, "{:?}", asked.elapsed());
        match answer.status {
            200 => return,
            status => assert_eq!(status, 503),
        }
    }
}

#[tokio::test]
async fn the_refused_are_kept_without_events_and_all_others_are_stored() {
    let ways: [(&str, IsBad); 4] = [
        ("RAISE EXCEPTION 'not here'", |number| number == 0),
        ("PERFORM 1 / 0", |number| number % 333 == 1),
        ("PERFORM FROM no_such_table", |number| number == MANY - 1),
        ("RAISE unique_violation", |number| number % 100 < 2),
    ];
    for (what, is_bad) in ways {
        let server = Server::start().await;
        rule(&server, what).await;
        deliver_many(&server, what, is_bad).await;
        let bad = (0..MANY).filter(|number| is_bad(*number)).count();
        // A delivery whose answer came too late may be stored twice, but without an event.
        let refused = count(&server, "deliveries WHERE problem = 'refused'").await;
        assert!(refused >= bad, "{what}: {refused} of {bad}");
        let good = count(&server, "events WHERE text = 'good'").await;
        assert_eq!(
            (good, count(&server, "events").await),
            (MANY - bad, good),
            "{what}"
        );
        let log = server.log();
        assert!(
            log.contains("SQLSTATE") && !log.contains("not here"),
            "{what}"
        );
    }
}

#[tokio::test]
async fn what_is_refused_even_without_its_events_is_put_off_and_the_log_says_why() {
    let server = Server::start_without_spool().await;
    sqlx::raw_sql(
        "CREATE FUNCTION rule() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'not %', convert_from(new.body, 'UTF8'); END $$;
         CREATE TRIGGER rule BEFORE INSERT ON stored_deliveries FOR EACH ROW EXECUTE FUNCTION rule()",
    )
    .execute(&mut server.database().await)
    .await
    .unwrap();
    let answer = server
        .deliver("/webhook", message("mid.1", "a secret"))
        .await;
    assert_eq!(answer.status, 503);
    let log = server.log();
    assert!(
        log.contains("commit failed") && log.contains("SQLSTATE P0001"),
        "{log}"
    );
    assert!(!log.contains("a secret"), "{log}");
}

/// A hang or a crash of Postgres may happen with any delivery and does not prove a bad value, so
/// the culprit keeps its events and gets 503.
#[tokio::test]
async fn one_that_makes_postgres_hang_or_ends_the_session_soon_stands_alone() {
    for what in [
        "PERFORM pg_sleep(60)",
        "PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(1)",
    ] {
        let server = Server::start_without_spool().await;
        let flow = Flow::to(&server);
        flow.goes_on().await;
        rule(&server, what).await;
        for _ in 0..3 {
            let bad = server.deliver("/webhook", message("mid.bad", "bad"));
            let (answer, ()) = tokio::join!(bad, flow.goes_on());
            assert_eq!(answer.status, 503, "{what}");
        }
        // A commit that locks the partitions in another order may end it.
        let mut database = server.database().await;
        eventually("the rule is gone", async || {
            let drop = sqlx::raw_sql("DROP FUNCTION rule CASCADE");
            drop.execute(&mut database).await.is_ok()
        })
        .await;
        eventually("it is an event once Postgres can take it", async || {
            let answer = server.deliver("/webhook", message("mid.bad", "bad")).await;
            answer.status == 200
        })
        .await;
        assert_eq!(
            count(&server, "events WHERE text = 'bad'").await,
            1,
            "{what}"
        );
        flow.ends_well(&mut server.database().await).await;
    }
}
