//! Purge of one day: its range, and deletion of its rows in batches.

use jiff::{Timestamp, civil::Date};
use jiff_sqlx::ToSqlx;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::Purged;
use crate::store::{Error, follow::day_range, partitions, stats};

/// Maximum number of rows of one transaction, for a duration of some tens of milliseconds.
const ROWS: i64 = 2_000;

/// Range of rows of one day that the purge deletes: rows committed before the purge of that day
/// began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    pub from: Timestamp,
    pub to: Timestamp,
    /// Last position of the day. The deliveries are listed in the temporary table
    /// `purge_deliveries`.
    pub last: i64,
}

/// Fixes the range of a day. The deliveries and the last position come from one snapshot, so a
/// delivery is deleted together with all of its events or not at all.
pub(super) async fn cut(conn: &mut PgConnection, day: Date) -> Result<Cut, Error> {
    let (from, to) = day_range(day);
    let mut tx = conn.begin().await?;
    sqlx::raw_sql(
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;
         DROP TABLE IF EXISTS pg_temp.purge_deliveries;
         CREATE TEMP TABLE purge_deliveries (
             number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id uuid, received_at timestamptz
         )",
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "INSERT INTO purge_deliveries (id, received_at) SELECT id, received_at FROM stored_deliveries
         WHERE received_at >= $1 AND received_at < $2 AND source = 'simulated'",
    )
    .bind(from.to_sqlx())
    .bind(to.to_sqlx())
    .execute(&mut *tx)
    .await?;
    let last: i64 = sqlx::query_scalar(
        "SELECT greatest(0,
             (SELECT max(position) FROM stored_events WHERE received_at >= $1 AND received_at < $2),
             (SELECT max(position) FROM stored_repeats WHERE received_at >= $1 AND received_at < $2))",
    )
    .bind(from.to_sqlx())
    .bind(to.to_sqlx())
    .fetch_one(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(Cut { from, to, last })
}

/// Deletes the first simulated repeats after position `after`; returns the position of the last.
pub(super) async fn repeats(
    conn: &mut PgConnection,
    cut: &Cut,
    after: i64,
    purged: &mut Purged,
) -> Result<Option<i64>, Error> {
    let positions: Vec<i64> = sqlx::query_scalar(
        "SELECT position FROM stored_repeats
         WHERE received_at >= $1 AND received_at < $2 AND position > $3 AND position <= $4
           AND source = 'simulated'
         ORDER BY position LIMIT $5",
    )
    .bind(cut.from.to_sqlx())
    .bind(cut.to.to_sqlx())
    .bind(after)
    .bind(cut.last)
    .bind(ROWS)
    .fetch_all(&mut *conn)
    .await?;
    let Some(last) = positions.last().copied() else {
        return Ok(None);
    };
    let mut tx = conn.begin().await?;
    let counted = stats::lock(&mut tx).await?;
    purged.repeats += delete(&mut tx, cut, REPEATS, &positions, counted).await?;
    tx.commit().await?;
    Ok(Some(last))
}

/// Deletes the deliveries in `purge_deliveries`.
pub(super) async fn deliveries(conn: &mut PgConnection, purged: &mut Purged) -> Result<(), Error> {
    let count: i64 = sqlx::query_scalar("SELECT coalesce(max(number), 0) FROM purge_deliveries")
        .fetch_one(&mut *conn)
        .await?;
    let mut done = 0;
    while done < count {
        let listed: Vec<(Uuid, jiff_sqlx::Timestamp)> = sqlx::query_as(
            "SELECT id, received_at FROM purge_deliveries WHERE number > $1 AND number <= $2",
        )
        .bind(done)
        .bind(done + ROWS)
        .fetch_all(&mut *conn)
        .await?;
        purged.deliveries += delete_deliveries(conn, listed).await?;
        done += ROWS;
    }
    Ok(())
}

async fn delete_deliveries(
    conn: &mut PgConnection,
    listed: Vec<(Uuid, jiff_sqlx::Timestamp)>,
) -> Result<u64, Error> {
    let times = listed.iter().map(|(_, at)| at.to_jiff());
    let (Some(first), Some(last)) = (times.clone().min(), times.max()) else {
        return Ok(0);
    };
    let ids: Vec<Uuid> = listed.into_iter().map(|(id, _)| id).collect();
    let deleted = sqlx::query(
        "DELETE FROM stored_deliveries
         WHERE id = ANY($1) AND received_at >= $2 AND received_at <= $3 AND source = 'simulated'",
    );
    let deleted = deleted.bind(ids).bind(first.to_sqlx()).bind(last.to_sqlx());
    Ok(deleted.execute(conn).await?.rows_affected())
}

/// Deletes simulated counts of days whose partitions were dropped.
pub(super) async fn counts_without_rows(conn: &mut PgConnection) -> Result<(), Error> {
    let days = partitions::days(conn).await?;
    let days: Vec<jiff_sqlx::Date> = days.into_iter().map(ToSqlx::to_sqlx).collect();
    let mut tx = conn.begin().await?;
    stats::lock(&mut tx).await?;
    sqlx::query(
        "DELETE FROM stats_hourly
         WHERE source = 'simulated' AND (hour AT TIME ZONE 'UTC')::date <> ALL ($1)",
    )
    .bind(days)
    .execute(&mut *tx)
    .await?;
    Ok(tx.commit().await?)
}

pub(super) const EVENTS: &str = "
    WITH gone AS (
        DELETE FROM stored_events
        WHERE position = ANY($1) AND received_at >= $2 AND received_at < $3 AND source = 'simulated'
        RETURNING position, received_at, app, account_id, kind, source
    ), letters AS (
        DELETE FROM dead_letters AS letter USING gone, consumers
        WHERE letter.consumer = consumers.name AND letter.position = gone.position
    ), forgotten AS (
        DELETE FROM moved_events AS m USING gone WHERE m.position = gone.position
        RETURNING m.position, m.dedupe_key, m.later_keys
    ), later AS (
        DELETE FROM dedupe USING (
            SELECT position, dedupe_key, unnest(later_keys) AS key FROM forgotten) AS own
        WHERE dedupe.key = own.key AND dedupe.event_key = own.dedupe_key
          AND dedupe.position = own.position
    ), less AS (
        UPDATE stats_hourly AS known SET events = known.events - counted.number
        FROM (SELECT date_trunc('hour', received_at, 'UTC') AS hour, app,
                     coalesce(account_id, '') AS account_id, kind, source, count(*) AS number
              FROM gone WHERE position <= $4 GROUP BY 1, 2, 3, 4, 5) AS counted
        WHERE known.hour = counted.hour AND known.app = counted.app
          AND known.account_id = counted.account_id AND known.kind = counted.kind
          AND known.source = counted.source
    )
    SELECT count(*) FROM gone";

const REPEATS: &str = "
    WITH gone AS (
        DELETE FROM stored_repeats
        WHERE position = ANY($1) AND received_at >= $2 AND received_at < $3 AND source = 'simulated'
        RETURNING position, received_at, app, account_id, kind, source
    ), less AS (
        UPDATE stats_hourly AS known SET repeats = known.repeats - counted.number
        FROM (SELECT date_trunc('hour', received_at, 'UTC') AS hour, app,
                     coalesce(account_id, '') AS account_id, kind, source, count(*) AS number
              FROM gone WHERE position <= $4 GROUP BY 1, 2, 3, 4, 5) AS counted
        WHERE known.hour = counted.hour AND known.app = counted.app
          AND known.account_id = counted.account_id AND known.kind = counted.kind
          AND known.source = counted.source
    )
    SELECT count(*) FROM gone";

/// Deletes rows of the day, and subtracts those up to the position `counted` from the counts.
pub(super) async fn delete(
    tx: &mut PgConnection,
    cut: &Cut,
    statement: &'static str,
    positions: &[i64],
    counted: i64,
) -> Result<u64, Error> {
    let gone: i64 = sqlx::query_scalar(statement)
        .bind(positions)
        .bind(cut.from.to_sqlx())
        .bind(cut.to.to_sqlx())
        .bind(counted)
        .fetch_one(tx)
        .await?;
    Ok(gone.unsigned_abs())
}
