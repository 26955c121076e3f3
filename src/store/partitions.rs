//! Partitions: one per day for deliveries, events and repeats, one per epoch for dedupe keys.
//!
//! A partition is created as a separate table and then attached: the lock of ATTACH PARTITION
//! blocks neither readers nor writers. For the same reason a partition is detached concurrently
//! before it is dropped.

use jiff::{Timestamp, ToSpan, civil::Date};
use jiff_sqlx::ToSqlx as _;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Postgres, Transaction};

use super::{
    Error,
    names::{DAILY, day_name, epoch_name, stored_name},
};

/// Advisory lock for creating partitions, so that two sessions do not collide.
const MAKERS: i64 = 0x0068_6f6f_6b73_6831;

/// Advisory lock for dropping partitions. Dropping waits for readers, and the creation of
/// partitions must not wait for readers, so each has a lock of its own.
const DROPPERS: i64 = 0x0068_6f6f_6b73_6832;

/// Creates the missing partitions of `day`.
///
/// # Errors
/// If Postgres is unavailable, or if another session locks the table for more than two seconds.
pub async fn ensure_day(conn: &mut PgConnection, day: Date) -> Result<(), Error> {
    for table in DAILY {
        let name = day_name(table, day);
        let (from, to) = (midnight(day), midnight(day.saturating_add(1.day())));
        let check = format!("received_at >= '{from}' AND received_at < '{to}'");
        let bounds = format!("FROM ('{from}') TO ('{to}')");
        ensure(conn, &stored_name(table), &name, &check, &bounds).await?;
    }
    Ok(())
}

/// Creates the partition of dedupe keys for `epoch` if it is missing.
///
/// # Errors
/// Same as [`ensure_day`].
pub async fn ensure_epoch(conn: &mut PgConnection, epoch: i32) -> Result<(), Error> {
    let check = format!("epoch = {epoch}");
    ensure(
        conn,
        "dedupe",
        &epoch_name(epoch),
        &check,
        &format!("IN ({epoch})"),
    )
    .await
}

/// Waits until other sessions have finished creating partitions. Postgres shows a new partition
/// shortly before the other sessions reload their list of partitions, so a commit may still miss
/// the partition. The creating session holds its lock until the other sessions have been told.
///
/// # Errors
/// Same as [`ensure_day`].
pub async fn wait_for_makers(conn: &mut PgConnection) -> Result<(), Error> {
    Ok(alone(conn).await?.rollback().await?)
}

/// Drops the partitions of `day` after their readers have finished. Does nothing if another session
/// is dropping partitions. Only tests call this function: there is no retention yet.
///
/// # Errors
/// If Postgres is unavailable, or if the drop is interrupted. The next call completes the drop.
pub async fn drop_day(conn: &mut PgConnection, day: Date) -> Result<(), Error> {
    for table in DAILY {
        drop_partition(conn, &stored_name(table), &day_name(table, day)).await?;
    }
    Ok(())
}

/// Drops the dedupe keys of `epoch`, in the same way as [`drop_day`].
///
/// # Errors
/// Same as [`drop_day`].
pub async fn drop_epoch(conn: &mut PgConnection, epoch: i32) -> Result<(), Error> {
    drop_partition(conn, "dedupe", &epoch_name(epoch)).await
}

/// Days with partitions of events or repeats, in order.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn days(conn: &mut PgConnection) -> Result<Vec<Date>, Error> {
    let days: Vec<jiff_sqlx::Date> = sqlx::query_scalar(
        "SELECT DISTINCT to_date(substring(relname FROM '_(\\d{8})$'), 'YYYYMMDD') AS day
         FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
         WHERE inhparent IN ('stored_events'::regclass, 'stored_repeats'::regclass)
           AND NOT inhdetachpending
         ORDER BY day",
    )
    .fetch_all(conn)
    .await?;
    Ok(days.into_iter().map(jiff_sqlx::Date::to_jiff).collect())
}

/// Notes the days that have partitions with their last positions, and the time `now` for days whose
/// partitions are all gone.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn note_days(conn: &mut PgConnection, now: Timestamp) -> Result<(), Error> {
    let note = sqlx::query(
        "WITH kept AS (
             SELECT DISTINCT to_date(substring(relname FROM '_(\\d{8})$'), 'YYYYMMDD') AS day
             FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
             WHERE inhparent IN ('stored_deliveries'::regclass, 'stored_events'::regclass,
                                 'stored_repeats'::regclass)
               AND relname ~ '_\\d{8}$'
         ), gone AS (
             UPDATE kept_days AS known SET dropped_at = $1
             WHERE dropped_at IS NULL AND NOT EXISTS (SELECT FROM kept WHERE kept.day = known.day)
         )
         INSERT INTO kept_days AS known (day, last_position)
         SELECT day, coalesce(greatest(
             (SELECT position FROM stored_events
              WHERE received_at >= day::timestamp AT TIME ZONE 'UTC'
                AND received_at < (day + 1)::timestamp AT TIME ZONE 'UTC'
              ORDER BY position DESC LIMIT 1),
             (SELECT position FROM stored_repeats
              WHERE received_at >= day::timestamp AT TIME ZONE 'UTC'
                AND received_at < (day + 1)::timestamp AT TIME ZONE 'UTC'
              ORDER BY position DESC LIMIT 1)), 0)
         FROM kept
         ON CONFLICT (day)
         DO UPDATE SET last_position = excluded.last_position, dropped_at = NULL
         WHERE known.last_position <> excluded.last_position OR known.dropped_at IS NOT NULL",
    );
    note.bind(now.to_sqlx()).execute(conn).await?;
    Ok(())
}

pub(super) fn midnight(day: Date) -> String {
    format!("{day} 00:00:00+00")
}

/// Creates and attaches a partition in one transaction: on failure nothing changes. A detached
/// table of this name is left over from an interrupted drop. The table is attached again, because
/// it may hold rows.
pub(super) async fn ensure(
    conn: &mut PgConnection,
    table: &str,
    name: &str,
    check: &str,
    bounds: &str,
) -> Result<(), Error> {
    if state(conn, table, name).await? == State::Attached {
        return Ok(());
    }
    let mut tx = alone(conn).await?;
    match state(&mut tx, table, name).await? {
        State::Attached => return Ok(tx.rollback().await?),
        State::Detaching => finish_detaching(&mut tx, table).await?,
        State::Apart => {}
    }
    // The check lets ATTACH PARTITION skip its scan. The bounds replace the check afterwards.
    let make = format!(
        "CREATE TABLE IF NOT EXISTS {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
         ALTER TABLE {name} ADD CONSTRAINT {name}_bounds CHECK ({check});
         ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES {bounds};
         ALTER TABLE {name} DROP CONSTRAINT {name}_bounds"
    );
    sqlx::raw_sql(AssertSqlSafe(make)).execute(&mut *tx).await?;
    Ok(tx.commit().await?)
}

/// Begins a transaction with the advisory lock for creating partitions.
async fn alone(conn: &mut PgConnection) -> Result<Transaction<'_, Postgres>, Error> {
    let mut tx = conn.begin().await?;
    sqlx::query("SET LOCAL lock_timeout = '2s'")
        .execute(&mut *tx)
        .await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(MAKERS)
        .execute(&mut *tx)
        .await?;
    Ok(tx)
}

/// Relation of a table to its partitioned table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Attached as a partition.
    Attached,
    /// No longer a partition, but the detach was interrupted.
    Detaching,
    /// A separate table, or no table.
    Apart,
}

async fn state(conn: &mut PgConnection, table: &str, name: &str) -> Result<State, Error> {
    let detaching = sqlx::query_scalar(
        "SELECT inhdetachpending FROM pg_inherits
         WHERE inhparent = to_regclass($1) AND inhrelid = to_regclass($2)",
    );
    let detaching = detaching.bind(table).bind(name).fetch_optional(conn);
    Ok(match detaching.await? {
        Some(false) => State::Attached,
        Some(true) => State::Detaching,
        None => State::Apart,
    })
}

pub(super) async fn drop_partition(
    conn: &mut PgConnection,
    table: &str,
    name: &str,
) -> Result<(), Error> {
    // Try the lock, do not wait: a waiting session keeps a snapshot, and the other session would
    // wait for the snapshot.
    let alone: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")
        .bind(DROPPERS)
        .fetch_one(&mut *conn)
        .await?;
    if !alone {
        return Ok(());
    }
    let dropped = detach_and_drop(conn, table, name).await;
    sqlx::query("SELECT pg_advisory_unlock($1)")
        .bind(DROPPERS)
        .execute(conn)
        .await?;
    dropped
}

/// Runs outside of a transaction: DETACH CONCURRENTLY uses two transactions of its own.
async fn detach_and_drop(conn: &mut PgConnection, table: &str, name: &str) -> Result<(), Error> {
    finish_detaching(conn, table).await?;
    if state(conn, table, name).await? == State::Attached {
        let detach = format!("ALTER TABLE {table} DETACH PARTITION {name} CONCURRENTLY");
        sqlx::query(AssertSqlSafe(detach))
            .execute(&mut *conn)
            .await?;
    }
    let drop = format!("DROP TABLE IF EXISTS {name}");
    sqlx::query(AssertSqlSafe(drop)).execute(conn).await?;
    Ok(())
}

/// Completes an interrupted detach of any partition of `table`. A table has at most one interrupted
/// detach, and Postgres detaches no other partition before the completion.
async fn finish_detaching(conn: &mut PgConnection, table: &str) -> Result<(), Error> {
    let pending: Option<String> = sqlx::query_scalar(
        "SELECT inhrelid::regclass::text FROM pg_inherits
         WHERE inhparent = to_regclass($1) AND inhdetachpending",
    )
    .bind(table)
    .fetch_optional(&mut *conn)
    .await?;
    if let Some(name) = pending {
        let finish = format!("ALTER TABLE {table} DETACH PARTITION {name} FINALIZE");
        sqlx::query(AssertSqlSafe(finish)).execute(conn).await?;
    }
    Ok(())
}
