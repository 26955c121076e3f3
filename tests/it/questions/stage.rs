//! A database filled through the webhook handler, and a reader role.
//!
//! The server's clock is set by hand, so `received_at` lies on the days of the test, and `now()` of
//! the reader role is a fixed time.

use std::net::SocketAddr;

use axum::{body::Body, extract::ConnectInfo, http::Request};
use bytes::Bytes;
use hookshelf::{
    clock::Clock,
    config::{self, Sources},
    http::{AppKeys, AppState, Apps, Limits, public},
    ingest::{Tally, Writer},
    meta::signature::{Secrets, sign, sign_simulated},
    store::{self, partitions},
};
use jiff::{Timestamp, ToSpan, civil::Date};
use secrecy::SecretString;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};
use tower::ServiceExt;

use crate::support::postgres::TestDatabase;

/// Last day of the test.
pub(super) const LAST_DAY: Date = jiff::civil::date(2026, 11, 20);

/// Number of days.
pub(super) const DAYS: i32 = 9;

/// Time at which the questions are asked.
const NOW: &str = "2026-11-20T18:00:00Z";

/// App secret of all deliveries.
const SECRET: &str = "the secret of nine days";

/// The database and the reader role.
#[derive(Debug)]
pub(super) struct Stage {
    database: TestDatabase,
    reader: String,
}

/// A delivery and its arrival time.
#[derive(Debug)]
pub(super) struct Arriving {
    pub(super) at: Timestamp,
    pub(super) body: Bytes,
}

impl Stage {
    /// Creates the database and delivers `arriving`.
    pub(super) async fn after(arriving: Vec<Arriving>) -> Self {
        let database = TestDatabase::create().await;
        let mut owner = database.connect().await;
        prepare(&mut owner).await;
        deliver(&database, arriving).await;
        run(&mut owner, "ANALYZE").await;
        let name = database.options().get_database().unwrap().to_owned();
        let reader = format!("asks_in_{name}");
        store::make_reader(&mut owner, &reader).await.unwrap();
        stop_the_clock(&mut owner, &reader).await;
        owner.close().await.unwrap();
        Self { database, reader }
    }

    /// Opens a session of the reader role, with `now()` at [`NOW`].
    pub(super) async fn reader(&self) -> PgConnection {
        let options = self.database.options().username(&self.reader);
        let mut session = options.connect().await.unwrap();
        let settle = "SET search_path = fixed_clock, public, pg_catalog; SET timezone = 'UTC'";
        run(&mut session, settle).await;
        session
    }
}

/// [`NOW`] as a timestamp.
pub(super) fn now() -> Timestamp {
    NOW.parse().unwrap()
}

async fn run(connection: &mut PgConnection, sql: &str) {
    let ran = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection);
    ran.await.unwrap();
}

/// Creates the partitions of these days and of the following week, and no others.
async fn prepare(owner: &mut PgConnection) {
    run(owner, "DROP SCHEMA public CASCADE; CREATE SCHEMA public").await;
    store::migrate(owner, now()).await.unwrap();
    for ago in 0..DAYS {
        partitions::ensure_day(owner, LAST_DAY - ago.days())
            .await
            .unwrap();
    }
}

/// Creates a function `now()` that precedes the original in the search path. The function is stable
/// like the original, and not written in SQL, because the planner would inline it: partitions must
/// be pruned when the query starts, as in production.
async fn stop_the_clock(owner: &mut PgConnection, reader: &str) {
    let clock = format!(
        "CREATE SCHEMA fixed_clock;
         CREATE FUNCTION fixed_clock.now() RETURNS timestamptz STABLE PARALLEL SAFE
         LANGUAGE plpgsql AS $$ BEGIN RETURN timestamptz '{NOW}'; END $$;
         GRANT USAGE ON SCHEMA fixed_clock TO {reader}"
    );
    run(owner, &clock).await;
}

/// Posts the deliveries to the handler one by one, in the order of arrival.
async fn deliver(database: &TestDatabase, mut arriving: Vec<Arriving>) {
    arriving.sort_by_key(|it| it.at);
    let (writer, committer) = Writer::new(database.options(), None);
    let committing = tokio::spawn(committer.run());
    let (clock, hands) = Clock::manual(now());
    let door = public::router(state(&writer, clock));
    for delivery in arriving {
        hands.set(delivery.at);
        let answer = door.clone().oneshot(request(delivery.body)).await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    drop((door, writer));
    committing.await.unwrap();
}

fn state(writer: &Writer, clock: Clock) -> AppState {
    let env = [("HOOKSHELF__DATA_DIR".to_owned(), "/nowhere".to_owned())];
    let config = config::load(&Sources {
        env: env.into_iter().collect(),
        ..Sources::default()
    });
    let secrets = Secrets::new([("app", &SecretString::from(SECRET))]);
    let keys = AppKeys::new("default", secrets, None);
    let limits = Limits::from(&config.unwrap().http);
    let tally = Tally::new(clock.clone());
    AppState::new(
        Apps::from_iter([keys]),
        writer.clone(),
        tally,
        clock,
        limits,
    )
}

fn request(body: Bytes) -> Request<Body> {
    let secret = SecretString::from(SECRET);
    let from = SocketAddr::from(([127, 0, 0, 1], 4000));
    Request::post("/webhook")
        .header("X-Hub-Signature-256", sign(&secret, &body))
        .header("X-Hookshelf-Simulated", sign_simulated(&secret, &body))
        .extension(ConnectInfo(from))
        .body(Body::from(body))
        .unwrap()
}
