//! Brings a database to the schema of this program.

use jiff::{Timestamp, ToSpan};
use sqlx::{PgConnection, migrate::Migrator};

use super::{Error, commit, connect, epoch, partitions, reader_role};

/// The migrations, embedded. They run in order, each once, and the Migrator holds an advisory lock
/// meanwhile, so that several instances may start at the same time.
static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

/// How many days ahead partitions are made.
pub const DAYS_AHEAD: i32 = 7;

/// Applies what is missing, shows it to those who read, and makes the partitions of the next days.
///
/// # Errors
/// Where Postgres is away or too old, or has migrations that this program does not know.
pub async fn migrate(conn: &mut PgConnection, now: Timestamp) -> Result<(), Error> {
    connect::check_server(conn).await?;
    MIGRATOR.run_direct(None, &mut *conn, false).await?;
    reader_role::extend(conn).await?;
    make_partitions(conn, now).await
}

/// Makes the partitions from today to [`DAYS_AHEAD`], and that of the dedupe epoch.
///
/// # Errors
/// Where Postgres is away.
pub async fn make_partitions(conn: &mut PgConnection, now: Timestamp) -> Result<(), Error> {
    for ahead in 0..=DAYS_AHEAD {
        partitions::ensure_day(conn, commit::day(now).saturating_add(ahead.days())).await?;
    }
    let epoch = epoch::current(conn).await?.number;
    partitions::ensure_epoch(conn, epoch).await
}

/// The migrations of this program: number and hash.
pub(super) fn known() -> Vec<(i64, Vec<u8>)> {
    let known = MIGRATOR.iter();
    known
        .map(|migration| (migration.version, migration.checksum.to_vec()))
        .collect()
}
