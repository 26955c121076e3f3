//! The dedupe epoch: the partition of keys that commits write to, and its rotation.

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use super::{Error, partitions};

/// The current epoch, as stored in `commit_fence`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// Its number.
    pub number: i32,
    /// Start of the epoch.
    pub since: Timestamp,
}

/// Reads the current epoch.
///
/// # Errors
/// If Postgres is unavailable.
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

/// Starts the next epoch if the current one is at least `window` old, and drops the epoch before
/// the last: a repeat is recognised for one to two windows. Returns true if the current epoch was
/// over, even if another instance has moved the fence meanwhile.
///
/// The fence serialises instances and commits: only one of two instances moves the epoch, and a
/// running commit ends first.
///
/// # Errors
/// If Postgres is unavailable. Completed steps stay, and the next call continues.
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

/// Moves the fence from `from` to the next epoch after creating its partition.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn flip(conn: &mut PgConnection, from: i32, now: Timestamp) -> Result<(), Error> {
    partitions::ensure_epoch(conn, from + 1).await?;
    let moved =
        sqlx::query("UPDATE commit_fence SET epoch = $1 + 1, epoch_since = $2 WHERE epoch = $1");
    moved.bind(from).bind(now.to_sqlx()).execute(conn).await?;
    Ok(())
}

/// Epochs whose keys are no longer looked up, including an epoch that was detached but not dropped.
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
