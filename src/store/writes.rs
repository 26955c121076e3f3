//! Sessions for what the admin listener writes.

use std::time::Duration;

use sqlx::{
    PgPool, Postgres,
    pool::PoolConnection,
    postgres::{PgArguments, PgConnectOptions, PgPoolOptions},
    query::Query,
};

use super::Error;

/// Maximum number of sessions.
const SESSIONS: u32 = 4;

/// Deadline for a session and a statement.
const DEADLINE: Duration = Duration::from_secs(5);

/// Pool of sessions for short writes. Clones share it.
#[derive(Clone, Debug)]
pub struct Writes(PgPool);

impl Writes {
    /// Creates a pool of sessions on the server of `options`. It connects on demand.
    pub fn new(options: &PgConnectOptions) -> Self {
        let options = options
            .clone()
            .application_name("hookshelf admin")
            .options([("statement_timeout", "5s"), ("lock_timeout", "5s")]);
        let pool = PgPoolOptions::new()
            .max_connections(SESSIONS)
            .acquire_timeout(DEADLINE);
        Self(pool.connect_lazy_with(options))
    }

    /// Takes a session for a change.
    ///
    /// # Errors
    /// If Postgres is unavailable, or no session is free in time.
    pub async fn session(&self) -> Result<PoolConnection<Postgres>, Error> {
        Ok(self.0.acquire().await?)
    }

    /// Executes a statement and returns the number of its rows.
    pub(super) async fn execute(
        &self,
        statement: Query<'_, Postgres, PgArguments>,
    ) -> Result<u64, Error> {
        let executed = tokio::time::timeout(DEADLINE, statement.execute(&self.0)).await;
        Ok(executed.map_err(|_| Error::TimedOut)??.rows_affected())
    }
}
