//! Partitions: a day each of deliveries, events and repeats, an epoch each of dedupe keys.
//!
//! A partition is made beside its table and then attached, which takes a lock that neither readers
//! nor writers feel; it is detached concurrently before it is dropped, for the same reason.

use jiff::{ToSpan, civil::Date};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Postgres, Transaction};

use super::{
    Error,
    names::{DAILY, day_name, epoch_name, stored_name},
};

/// Whoever makes partitions holds this advisory lock, so that two do not collide.
const MAKERS: i64 = 0x0068_6f6f_6b73_6831;

/// Whoever drops partitions holds this one: dropping waits for readers, and makers must not wait
/// for it.
const DROPPERS: i64 = 0x0068_6f6f_6b73_6832;

/// Makes the partitions of `day` that are missing.
///
/// # Errors
/// Where Postgres is away, or another lock keeps the table for more than two seconds.
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

/// Makes the partition of dedupe keys of `epoch` if it is missing.
///
/// # Errors
/// As [`ensure_day`].
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

/// Waits for other makers. Postgres shows a partition a moment before it tells the other sessions
/// to read their list of partitions again: a commit in that moment misses it still. A maker holds
/// its lock until they have been told.
///
/// # Errors
/// As [`ensure_day`].
pub async fn wait_for_makers(conn: &mut PgConnection) -> Result<(), Error> {
    Ok(alone(conn).await?.rollback().await?)
}

/// Drops the partitions of `day`: those that read it finish first. Where another session is at it,
/// the dropping is left to that one.
///
/// # Errors
/// Where Postgres is away, or this was interrupted: the next call finishes it.
pub async fn drop_day(conn: &mut PgConnection, day: Date) -> Result<(), Error> {
    for table in DAILY {
        drop_partition(conn, &stored_name(table), &day_name(table, day)).await?;
    }
    Ok(())
}

/// Drops the dedupe keys of `epoch`, as [`drop_day`] does.
///
/// # Errors
/// As [`drop_day`].
pub async fn drop_epoch(conn: &mut PgConnection, epoch: i32) -> Result<(), Error> {
    drop_partition(conn, "dedupe", &epoch_name(epoch)).await
}

/// The days that have partitions of events or repeats, in order.
///
/// # Errors
/// Where Postgres is away.
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

fn midnight(day: Date) -> String {
    format!("{day} 00:00:00+00")
}

/// One transaction: a partition is either attached or as it was. A table of this name that is not
/// attached was left by a dropping that did not come to its end; it is attached again, for it may
/// hold rows.
async fn ensure(
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
    // The check lets the attaching skip its scan; it says no more than the bounds, so it goes.
    let make = format!(
        "CREATE TABLE IF NOT EXISTS {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
         ALTER TABLE {name} ADD CONSTRAINT {name}_bounds CHECK ({check});
         ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES {bounds};
         ALTER TABLE {name} DROP CONSTRAINT {name}_bounds"
    );
    sqlx::raw_sql(AssertSqlSafe(make)).execute(&mut *tx).await?;
    Ok(tx.commit().await?)
}

/// Begins a transaction that no other maker of partitions runs beside.
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

/// How a table stands to the one that it is a partition of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Its partition.
    Attached,
    /// Its partition no longer, but the detaching was interrupted.
    Detaching,
    /// A table of its own, or none at all.
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

async fn drop_partition(conn: &mut PgConnection, table: &str, name: &str) -> Result<(), Error> {
    // Tried, not waited for: whoever waits keeps a snapshot open that the other waits for.
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

/// No transaction: detaching concurrently is two of its own.
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

/// Finishes the detaching that was interrupted, of whichever partition: a table has one at most,
/// and detaches no other before.
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
