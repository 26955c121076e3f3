//! Migrates a database to the schema of this program.

use jiff::{Timestamp, ToSpan};
use sqlx::{PgConnection, migrate::Migrator};

use super::{Error, attempts, commit, connect, epoch, partitions, reader_role};

/// The embedded migrations. They run in order, each once, under an advisory lock, so several
/// instances may start at the same time.
static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

/// Number of days ahead for which partitions are created.
pub const DAYS_AHEAD: i32 = 7;

/// Applies the missing migrations, grants the readers access to them, and creates the partitions of
/// the next days.
///
/// # Errors
/// If Postgres is unavailable or too old, or has migrations that this program does not know.
pub async fn migrate(conn: &mut PgConnection, now: Timestamp) -> Result<(), Error> {
    connect::check_server(conn).await?;
    MIGRATOR.run_direct(None, &mut *conn, false).await?;
    reader_role::extend(conn).await?;
    make_partitions(conn, now).await
}

/// Creates the partitions from today to [`DAYS_AHEAD`], and the partition of the dedupe epoch.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn make_partitions(conn: &mut PgConnection, now: Timestamp) -> Result<(), Error> {
    for ahead in 0..=DAYS_AHEAD {
        let day = commit::day(now).saturating_add(ahead.days());
        partitions::ensure_day(conn, day).await?;
        attempts::ensure_day(conn, day).await?;
    }
    let epoch = epoch::current(conn).await?.number;
    partitions::ensure_epoch(conn, epoch).await
}

/// Migrations of this program: number and hash.
pub(super) fn known() -> Vec<(i64, Vec<u8>)> {
    let known = MIGRATOR.iter();
    known
        .map(|migration| (migration.version, migration.checksum.to_vec()))
        .collect()
}
