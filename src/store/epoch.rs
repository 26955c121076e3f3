//! The dedupe epoch: which window of keys commits write to, and how it moves on.

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use super::{Error, partitions};

/// The epoch of the fence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// Its number.
    pub number: i32,
    /// When it began.
    pub since: Timestamp,
}

/// Reads the epoch.
///
/// # Errors
/// Where Postgres is away.
pub async fn current(conn: &mut PgConnection) -> Result<Epoch, Error> {
    let row: (i32, jiff_sqlx::Timestamp) =
        sqlx::query_as("SELECT epoch, epoch_since FROM commit_fence")
            .fetch_one(conn)
            .await?;
    Ok(Epoch {
        number: row.0,
        since: row.1.to_jiff(),
    })
}

/// Begins the next epoch once the current one is `window` old, and drops the one before the last:
/// so a repeat is recognised for one to two windows. Says whether it moved.
///
/// The fence decides: of two that try, one moves it, and a commit under way ends first.
///
/// # Errors
/// Where Postgres is away; what was done stays, and the next call goes on from there.
pub async fn advance(
    conn: &mut PgConnection,
    window: SignedDuration,
    now: Timestamp,
) -> Result<bool, Error> {
    let epoch = current(conn).await?;
    let due = epoch.since.checked_add(window).is_ok_and(|due| due <= now);
    if due {
        flip(conn, epoch.number, now).await?;
    }
    let newest = epoch.number + i32::from(due);
    for old in stale(conn, newest).await? {
        partitions::drop_epoch(conn, old).await?;
    }
    Ok(due)
}

/// Moves the fence from `from` to the next epoch, whose partition is made first.
///
/// # Errors
/// Where Postgres is away.
pub async fn flip(conn: &mut PgConnection, from: i32, now: Timestamp) -> Result<(), Error> {
    partitions::ensure_epoch(conn, from + 1).await?;
    let moved =
        sqlx::query("UPDATE commit_fence SET epoch = $1 + 1, epoch_since = $2 WHERE epoch = $1");
    moved.bind(from).bind(now.to_sqlx()).execute(conn).await?;
    Ok(())
}

/// The epochs whose keys nobody looks at any more; also one whose dropping was interrupted after
/// it had been detached.
async fn stale(conn: &mut PgConnection, newest: i32) -> Result<Vec<i32>, Error> {
    let epochs: Vec<i32> = sqlx::query_scalar(
        "SELECT epoch FROM (
             SELECT substring(made.relname FROM '^dedupe_(\\d+)$')::int AS epoch
             FROM pg_class AS made JOIN pg_class AS dedupe USING (relnamespace)
             WHERE dedupe.oid = 'dedupe'::regclass AND made.relkind = 'r'
         ) AS made WHERE epoch < $1 - 1 ORDER BY epoch",
    )
    .bind(newest)
    .fetch_all(conn)
    .await?;
    Ok(epochs)
}
