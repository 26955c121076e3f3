//! Postgres is unavailable: every route says since when, and how many deliveries wait.

use hookshelf::clock::Clock;
use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::*;

/// Routes that need Postgres.
const ROUTES: &[(&str, &str)] = &[
    ("GET", "/v1/events"),
    ("GET", "/v1/events?text=rolls"),
    ("GET", "/v1/events?format=ndjson&dry=true"),
    ("GET", "/v1/events/1"),
    ("GET", "/v1/events/1/around"),
    ("GET", "/v1/events/stream"),
    ("GET", "/v1/find?id=7001"),
    ("GET", "/v1/deliveries"),
    ("GET", "/v1/deliveries/0199a7c2-9b3e-7c4d-8a51-3f2e1d0c9b8a"),
    (
        "GET",
        "/v1/deliveries/0199a7c2-9b3e-7c4d-8a51-3f2e1d0c9b8a/body",
    ),
    ("GET", "/v1/rejections"),
    ("POST", "/v1/rejections/recheck?yes=true"),
    ("GET", "/v1/accounts"),
    ("GET", "/v1/accounts/1784"),
    ("GET", "/v1/conversations"),
    ("GET", "/v1/conversations/1784/7001"),
    ("GET", "/v1/media"),
    ("GET", "/v1/media/1/comments"),
    ("GET", "/v1/stats"),
    ("GET", "/v1/gaps"),
    ("GET", "/v1/audit"),
];

/// An outage of the database of a desk.
pub(crate) struct Outage {
    elsewhere: PgConnection,
    name: String,
}

impl Outage {
    /// Ends all sessions with the database, and allows no new one.
    pub(crate) async fn begin(desk: &Desk) -> Self {
        Self::of(&desk.server).await
    }

    /// Same as [`begin`](Self::begin), for a server.
    pub(crate) async fn of(server: &Server) -> Self {
        let place = server.place.as_ref().unwrap();
        let options = place.options();
        let name = options.get_database().unwrap().to_owned();
        let options = options.database("postgres");
        let elsewhere = PgConnection::connect_with(&options).await.unwrap();
        let mut outage = Self { elsewhere, name };
        allow(&mut outage.elsewhere, &outage.name, false).await;
        outage
    }

    /// Allows sessions again.
    pub(crate) async fn end(mut self) {
        allow(&mut self.elsewhere, &self.name, true).await;
    }
}

/// Sessions with the database are allowed or ended.
async fn allow(elsewhere: &mut PgConnection, name: &str, allowed: bool) {
    let alter = format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {allowed}");
    let alter = sqlx::query(AssertSqlSafe(alter)).execute(&mut *elsewhere);
    alter.await.unwrap();
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
    let end = sqlx::query(end).bind(name).execute(elsewhere);
    end.await.unwrap();
}

fn now() -> Timestamp {
    Clock::system().now()
}

#[tokio::test]
async fn every_route_says_since_when_postgres_is_away_and_how_many_deliveries_wait() {
    let desk = Desk::open().await;
    desk.deliver(message("mid.before", "rolls")).await;
    let before = now();
    let outage = Outage::begin(&desk).await;
    desk.deliver(message("mid.away", "more rolls")).await;
    let bearer = format!("Bearer {}", token("privacy"));
    let headers = [("Authorization", bearer.as_str())];
    for (method, path) in ROUTES {
        let answer = desk.server.send_admin((method, path), &headers, "").await;
        let problem: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(answer.status, 503, "{method} {path}: {problem}");
        assert_eq!(problem["type"], "/problems/database", "{path}: {problem}");
        assert_eq!(problem["spooled"], 1, "{path}: {problem}");
        assert!(answer.headers.contains_key("retry-after"), "{path}");
        let since: Timestamp = problem["since"].as_str().unwrap().parse().unwrap();
        assert!(before <= since && since <= now(), "{path}: {problem}");
    }
    let counted = desk.ask_as("operator", "/v1/spool").await;
    assert_eq!(counted.status, 200, "the spool needs no Postgres");
    outage.end().await;
    eventually("everything is stored and shown", async || {
        let answer = desk.ask_as("reader", "/v1/events?order=oldest").await;
        let list: Value = serde_json::from_slice(&answer.body).unwrap();
        answer.status == 200 && texts(&list) == ["rolls", "more rolls"]
    })
    .await;
}
