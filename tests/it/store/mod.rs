//! The store and the writer on a real Postgres: races, cut connections and refused values.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test's helpers may fail the test"
)]

mod attempts;
mod blame;
mod consumers;
mod conversations;
mod epochs;
mod follow;
mod followers;
mod horizon;
mod items;
mod migrations;
mod partitions;
mod plans;
mod poison;
mod purge;
mod refused;
mod reparse;
mod repeats;
mod sessions;
mod stats;
mod stored;
mod stream;
mod writer;

use std::time::Duration;

use hookshelf::{
    clock::Clock,
    store::{self, Batch, Commits, Committed, Connection, Delivery, Known},
};
use jiff::Timestamp;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::support::{eventually, postgres::TestDatabase};

/// Timeout for connecting.
const PATIENCE: Duration = Duration::from_secs(30);

/// A migrated database with helpers.
struct World {
    db: TestDatabase,
}

/// A writer's session, with its cached facts about the database.
struct Session {
    connection: Connection,
    known: Known,
}

/// System time.
fn now() -> Timestamp {
    Clock::system().now()
}

impl World {
    async fn create() -> Self {
        let db = TestDatabase::create().await;
        Self { db }
    }

    /// Opens a writer's session.
    async fn writer(&self) -> Session {
        let options = self.db.options();
        let connection = store::connect_writer(&options, Commits::Durable, PATIENCE).await;
        Session {
            connection: connection.unwrap(),
            known: Known::default(),
        }
    }

    /// Opens a plain session.
    async fn connect(&self) -> PgConnection {
        self.db.connect().await
    }

    /// Runs SQL.
    async fn run(&self, sql: &str) {
        let mut connection = self.connect().await;
        let sql = AssertSqlSafe(sql.to_owned());
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    }

    /// Result of a query for a single number.
    async fn number(&self, sql: &str) -> i64 {
        number(&mut self.connect().await, sql).await
    }

    /// Rows of a query for a single text column; null is `-`.
    async fn texts(&self, sql: &str) -> Vec<String> {
        let sql = AssertSqlSafe(sql.to_owned());
        let mut connection = self.connect().await;
        let rows: Vec<Option<String>> = sqlx::query_scalar(sql)
            .fetch_all(&mut connection)
            .await
            .unwrap();
        rows.into_iter()
            .map(|row| row.unwrap_or_else(|| "-".to_owned()))
            .collect()
    }

    /// Numbers of deliveries, events and repeats.
    async fn sizes(&self) -> [i64; 3] {
        let mut connection = self.connect().await;
        [
            number(&mut connection, "SELECT count(*) FROM deliveries").await,
            number(&mut connection, "SELECT count(*) FROM events").await,
            number(&mut connection, "SELECT count(*) FROM repeats").await,
        ]
    }

    /// Waits until `count` sessions wait for a lock.
    async fn until_waiting(&self, count: i64) {
        self.until_sessions(count, "wait_event_type = 'Lock'").await;
    }

    /// Waits until `count` other sessions match `state`.
    async fn until_sessions(&self, count: i64, state: &str) {
        let mut connection = self.connect().await;
        let sql = format!(
            "SELECT count(*) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid() AND {state}"
        );
        eventually("sessions come into the awaited state", async || {
            number(&mut connection, &sql).await == count
        })
        .await;
    }
}

async fn number(connection: &mut PgConnection, sql: &str) -> i64 {
    let sql = AssertSqlSafe(sql.to_owned());
    sqlx::query_scalar(sql).fetch_one(connection).await.unwrap()
}

impl Session {
    /// Commits deliveries and expects success.
    async fn commit(&mut self, deliveries: &[Delivery]) -> Vec<Committed> {
        self.try_commit(deliveries).await.unwrap()
    }

    async fn try_commit(
        &mut self,
        deliveries: &[Delivery],
    ) -> Result<Vec<Committed>, store::Error> {
        store::commit(
            &mut self.connection,
            &mut self.known,
            &Batch::of(deliveries),
        )
        .await
    }

    /// Runs SQL in this session.
    async fn run(&mut self, sql: &'static str) {
        sqlx::raw_sql(sql)
            .execute(&mut self.connection)
            .await
            .unwrap();
    }
}
