//! Follower `stats`: counts events and repeats by hour.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::{Connection, PgConnection, QueryBuilder};

use super::{
    Error,
    follow::{self, Batch, Consumer, Follower, Start},
};

/// Name of the follower.
pub const NAME: &str = "stats";

/// Maximum number of rows per transaction: some tens of milliseconds of counting.
const BATCH: u32 = 10_000;

/// Creates the follower of all stored events and repeats.
pub fn follower() -> Follower {
    Follower::new(NAME, Start::Beginning, BATCH)
}

/// Locks the counts for this transaction, so that the follower can neither count rows that are
/// about to be deleted nor have read rows that it has not counted yet. Returns the follower's
/// position.
pub(super) async fn lock(tx: &mut PgConnection) -> Result<i64, Error> {
    Ok(follow::lock(tx, NAME).await?.unwrap_or(0))
}

/// Deletes counts of a day that have become zero.
pub(super) async fn delete_empty(
    conn: &mut PgConnection,
    (from, to): (Timestamp, Timestamp),
) -> Result<(), Error> {
    let mut tx = conn.begin().await?;
    lock(&mut tx).await?;
    sqlx::query(
        "DELETE FROM stats_hourly
         WHERE hour >= $1 AND hour < $2 AND events <= 0 AND repeats <= 0",
    )
    .bind(from.to_sqlx())
    .bind(to.to_sqlx())
    .execute(&mut *tx)
    .await?;
    Ok(tx.commit().await?)
}

/// Consumer that adds a batch to `stats_hourly`. Postgres counts; no row is sent to the client.
#[derive(Clone, Copy, Debug)]
pub struct Hourly;

impl Consumer for Hourly {
    async fn consume(&mut self, conn: &mut PgConnection, batch: &Batch) -> Result<(), Error> {
        let mut query = QueryBuilder::new(
            "INSERT INTO stats_hourly AS known (hour, app, account_id, kind, source, events, repeats)
             SELECT date_trunc('hour', received_at, 'UTC') AS hour, app, coalesce(account_id, ''),
                    kind, source, count(*) FILTER (WHERE new), count(*) FILTER (WHERE NOT new)
             FROM (SELECT received_at, app, account_id, kind, source, true AS new
                   FROM stored_events WHERE",
        );
        batch.restrict(&mut query);
        query.push(
            " UNION ALL
                   SELECT received_at, app, account_id, kind, source, false FROM stored_repeats WHERE",
        );
        batch.restrict(&mut query);
        query.push(
            ") AS item GROUP BY 1, 2, 3, 4, 5
             ON CONFLICT (hour, app, account_id, kind, source)
             DO UPDATE SET events = known.events + excluded.events,
                           repeats = known.repeats + excluded.repeats",
        );
        query.build().execute(conn).await?;
        Ok(())
    }
}
