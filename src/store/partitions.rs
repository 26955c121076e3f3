//! Partitions: a day each of deliveries, events and repeats, an epoch each of dedupe keys.
//!
//! A partition is made beside its table and then attached, which takes a lock that neither readers
//! nor writers feel; it is detached concurrently before it is dropped, for the same reason. The
//! names are made here from dates and numbers only, never from what arrives.

use jiff::{ToSpan, civil::Date};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::Error;

/// The tables with a partition for each day (UTC) of `received_at`.
pub const DAILY: [&str; 3] = ["deliveries", "events", "repeats"];

/// Whoever makes or drops partitions holds this advisory lock, so that two do not collide.
const LOCK: i64 = 0x0068_6f6f_6b73_6831;

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
        ensure(conn, table, &name, &check, &bounds).await?;
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

/// Drops the partitions of `day`: those that read it finish first.
///
/// # Errors
/// As [`ensure_day`].
pub async fn drop_day(conn: &mut PgConnection, day: Date) -> Result<(), Error> {
    for table in DAILY {
        drop_partition(conn, table, &day_name(table, day)).await?;
    }
    Ok(())
}

/// Drops the dedupe keys of `epoch`.
///
/// # Errors
/// As [`ensure_day`].
pub async fn drop_epoch(conn: &mut PgConnection, epoch: i32) -> Result<(), Error> {
    drop_partition(conn, "dedupe", &epoch_name(epoch)).await
}

fn day_name(table: &str, day: Date) -> String {
    format!("{table}_{}", day.strftime("%Y%m%d"))
}

fn epoch_name(epoch: i32) -> String {
    format!("dedupe_{epoch}")
}

fn midnight(day: Date) -> String {
    format!("{day} 00:00:00+00")
}

/// One transaction: a partition is either attached or was never there.
async fn ensure(
    conn: &mut PgConnection,
    table: &str,
    name: &str,
    check: &str,
    bounds: &str,
) -> Result<(), Error> {
    if attached(conn, table, name).await? {
        return Ok(());
    }
    let mut tx = conn.begin().await?;
    sqlx::query("SET LOCAL lock_timeout = '2s'")
        .execute(&mut *tx)
        .await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(LOCK)
        .execute(&mut *tx)
        .await?;
    if attached(&mut tx, table, name).await? {
        return Ok(());
    }
    // The check lets the attaching skip its scan; it says no more than the bounds, so it goes.
    let make = format!(
        "CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
         ALTER TABLE {name} ADD CONSTRAINT {name}_bounds CHECK ({check});
         ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES {bounds};
         ALTER TABLE {name} DROP CONSTRAINT {name}_bounds"
    );
    sqlx::raw_sql(AssertSqlSafe(make)).execute(&mut *tx).await?;
    Ok(tx.commit().await?)
}

async fn attached(conn: &mut PgConnection, table: &str, name: &str) -> Result<bool, Error> {
    Ok(state(conn, table, name).await? == Some(false))
}

/// Whether the partition's detaching was interrupted; `None` where it is not attached at all.
async fn state(conn: &mut PgConnection, table: &str, name: &str) -> Result<Option<bool>, Error> {
    let state = sqlx::query_scalar(
        "SELECT inhdetachpending FROM pg_inherits
         WHERE inhparent = to_regclass($1) AND inhrelid = to_regclass($2)",
    );
    Ok(state.bind(table).bind(name).fetch_optional(conn).await?)
}

async fn drop_partition(conn: &mut PgConnection, table: &str, name: &str) -> Result<(), Error> {
    // DETACH CONCURRENTLY cannot run inside a transaction; one that was interrupted is finished.
    let how = match state(conn, table, name).await? {
        Some(false) => Some("CONCURRENTLY"),
        Some(true) => Some("FINALIZE"),
        None => None,
    };
    if let Some(how) = how {
        let detach = format!("ALTER TABLE {table} DETACH PARTITION {name} {how}");
        sqlx::query(AssertSqlSafe(detach))
            .execute(&mut *conn)
            .await?;
    }
    let drop = format!("DROP TABLE IF EXISTS {name}");
    sqlx::query(AssertSqlSafe(drop)).execute(conn).await?;
    Ok(())
}
