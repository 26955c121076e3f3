//! Rows written to the tables of consumers.

use std::{ops::Sub, time::Duration};

use sqlx::{Connection as _, FromRow};
use tokio::time::sleep;

use super::scene::Scene;
use crate::postgres::Postgres;

/// Time after which the sessions of the server have reported their statistics.
pub(super) const REPORTED: Duration = Duration::from_secs(5);

/// Rows inserted, updated and deleted so far.
#[derive(Clone, Copy, Debug, FromRow)]
pub(super) struct Writes {
    /// Updates of the row of a consumer: flushes.
    pub(super) consumers: i64,
    /// Rows of waiting lanes.
    pub(super) lanes: i64,
    /// Rows of dead letters.
    pub(super) letters: i64,
    /// Rows of stored attempts.
    pub(super) attempts: i64,
}

impl Writes {
    /// Writes to the database of a scene so far, after a pause.
    pub(super) async fn of(scene: &Scene, postgres: &Postgres) -> anyhow::Result<Self> {
        sleep(REPORTED).await;
        let mut connection = scene.connect(postgres).await?;
        let sql = "SELECT coalesce(sum(rows) FILTER (WHERE name = 'consumers'), 0)::bigint AS consumers,
                          coalesce(sum(rows) FILTER (WHERE name = 'consumer_lanes'), 0)::bigint AS lanes,
                          coalesce(sum(rows) FILTER (WHERE name = 'dead_letters'), 0)::bigint AS letters,
                          coalesce(sum(rows) FILTER (WHERE name ~ '^attempts'), 0)::bigint AS attempts
                   FROM (SELECT relname AS name, n_tup_ins + n_tup_upd + n_tup_del AS rows
                         FROM pg_stat_user_tables) AS written";
        let writes = sqlx::query_as(sql).fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok(writes)
    }

    /// All rows.
    pub(super) fn sum(self) -> i64 {
        self.consumers + self.beside()
    }

    /// Rows beside that of the consumer.
    pub(super) fn beside(self) -> i64 {
        self.lanes + self.letters + self.attempts
    }
}

impl Sub for Writes {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            consumers: self.consumers - before.consumers,
            lanes: self.lanes - before.lanes,
            letters: self.letters - before.letters,
            attempts: self.attempts - before.attempts,
        }
    }
}
