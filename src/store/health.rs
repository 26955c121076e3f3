//! Read-only checks of a database: settings, schema, partitions.

use std::{collections::BTreeSet, path::PathBuf};

use jiff::{Timestamp, ToSpan};
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use super::{
    Error, commit, migrate,
    names::{DAILY, day_name, epoch_name},
};

/// Server settings that matter for durability.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Settings {
    /// Server version, such as `15.18`.
    pub version: String,
    /// `fsync`: on if writes are flushed to the disk.
    pub fsync: String,
    /// `full_page_writes`: on if torn pages can be repaired after a power cut.
    pub full_page_writes: String,
    /// `synchronous_commit`: off if a commit does not wait for the disk.
    pub synchronous_commit: String,
    /// `default_transaction_read_only`: on if sessions start read-only.
    pub default_transaction_read_only: String,
    /// True on a standby.
    pub in_recovery: bool,
}

impl Settings {
    /// Names of the settings that are off and thereby break the durability that a 200 promises.
    pub fn lossy(&self) -> Vec<&'static str> {
        let settings = [
            ("fsync", &self.fsync),
            ("synchronous_commit", &self.synchronous_commit),
            ("full_page_writes", &self.full_page_writes),
        ];
        let off = settings.into_iter().filter(|(_, value)| *value == "off");
        off.map(|(name, _)| name).collect()
    }

    /// True if a session can write.
    pub fn takes_writes(&self) -> bool {
        !self.in_recovery && self.default_transaction_read_only == "off"
    }
}

/// Reads the settings of the session.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn settings(conn: &mut PgConnection) -> Result<Settings, Error> {
    let asked = sqlx::query_as(
        "SELECT current_setting('server_version') AS version,
                current_setting('fsync') AS fsync,
                current_setting('full_page_writes') AS full_page_writes,
                current_setting('synchronous_commit') AS synchronous_commit,
                current_setting('default_transaction_read_only') AS default_transaction_read_only,
                pg_is_in_recovery() AS in_recovery",
    );
    Ok(asked.fetch_one(conn).await?)
}

/// Number of sessions left for users who are not superusers.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn free_sessions(conn: &mut PgConnection) -> Result<i64, Error> {
    let free = sqlx::query_scalar(
        "SELECT current_setting('max_connections')::bigint
                - current_setting('superuser_reserved_connections')::bigint
                - sum(numbackends)::bigint
         FROM pg_stat_database",
    );
    Ok(free.fetch_one(conn).await?)
}

/// True if the session has the settings of a writer: a pooler may drop them silently.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn is_writer(conn: &mut PgConnection) -> Result<bool, Error> {
    let mode: String = sqlx::query_scalar("SELECT current_setting('plan_cache_mode')")
        .fetch_one(conn)
        .await?;
    Ok(mode == "force_generic_plan")
}

/// Clock of the server.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn now(conn: &mut PgConnection) -> Result<Timestamp, Error> {
    let now: jiff_sqlx::Timestamp = sqlx::query_scalar("SELECT clock_timestamp()")
        .fetch_one(conn)
        .await?;
    Ok(now.to_jiff())
}

/// Data directory of the server; `None` if this user may not read the setting.
pub async fn data_directory(conn: &mut PgConnection) -> Option<PathBuf> {
    let asked = sqlx::query_scalar("SELECT current_setting('data_directory')");
    let directory: String = asked.fetch_one(conn).await.ok()?;
    Some(directory.into())
}

/// Result of comparing the database's migrations with those of this program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schema {
    /// All are applied; holds the number of the last one.
    Current(i64),
    /// Some are not applied yet; holds their numbers.
    Behind(Vec<i64>),
    /// The database has a migration of a newer program; holds its number.
    Newer(i64),
    /// A migration differs from this program's or did not finish; holds its number.
    Changed(i64),
}

/// Compares the migrations.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn schema(conn: &mut PgConnection) -> Result<Schema, Error> {
    let is_there: bool = sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
        .fetch_one(&mut *conn)
        .await?;
    let applied: Vec<(i64, bool, Vec<u8>)> = if is_there {
        let asked = "SELECT version, success, checksum FROM _sqlx_migrations ORDER BY version";
        sqlx::query_as(asked).fetch_all(conn).await?
    } else {
        Vec::new()
    };
    Ok(compare(&migrate::known(), &applied))
}

/// Checks for unknown migrations first: with a newer schema the other results mean nothing.
fn compare(known: &[(i64, Vec<u8>)], applied: &[(i64, bool, Vec<u8>)]) -> Schema {
    let of = |version: i64| known.iter().find(|(number, _)| *number == version);
    if let Some((newer, ..)) = applied.iter().find(|(version, ..)| of(*version).is_none()) {
        return Schema::Newer(*newer);
    }
    let differs = |(version, success, checksum): &&(i64, bool, Vec<u8>)| {
        !success || of(*version).is_some_and(|(_, ours)| ours != checksum)
    };
    if let Some((changed, ..)) = applied.iter().find(differs) {
        return Schema::Changed(*changed);
    }
    let applied: BTreeSet<_> = applied.iter().map(|(version, ..)| *version).collect();
    let numbers = known.iter().map(|(version, _)| *version);
    let missing: Vec<_> = numbers.clone().filter(|it| !applied.contains(it)).collect();
    if missing.is_empty() {
        Schema::Current(numbers.max().unwrap_or_default())
    } else {
        Schema::Behind(missing)
    }
}

/// Names of the missing partitions, from today to the days ahead.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn missing_days(conn: &mut PgConnection, now: Timestamp) -> Result<Vec<String>, Error> {
    let days = (0..=migrate::DAYS_AHEAD).map(|ahead| commit::day(now).saturating_add(ahead.days()));
    let wanted = days.flat_map(|day| DAILY.map(|table| day_name(table, day)));
    let missing = sqlx::query_scalar(
        "SELECT name FROM unnest($1::text[]) WITH ORDINALITY AS wanted (name, place)
         WHERE NOT EXISTS (SELECT FROM pg_inherits
                           WHERE inhrelid = to_regclass(name) AND NOT inhdetachpending)
         ORDER BY place",
    );
    let wanted: Vec<_> = wanted.collect();
    Ok(missing.bind(wanted).fetch_all(conn).await?)
}

/// Partitions whose detaching was interrupted, each with its table.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn half_detached(conn: &mut PgConnection) -> Result<Vec<(String, String)>, Error> {
    let pending = sqlx::query_as(
        "SELECT inhparent::regclass::text, inhrelid::regclass::text
         FROM pg_inherits WHERE inhdetachpending ORDER BY 1, 2",
    );
    Ok(pending.fetch_all(conn).await?)
}

/// True if the partition for the keys of `epoch` exists.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn has_epoch(conn: &mut PgConnection, epoch: i32) -> Result<bool, Error> {
    let asked = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_inherits
                        WHERE inhrelid = to_regclass($1) AND NOT inhdetachpending)",
    );
    let name = epoch_name(epoch);
    Ok(asked.bind(name).fetch_one(conn).await?)
}

/// Number of deliveries to `app` that were refused because no secret matched their signature.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn mismatches(
    conn: &mut PgConnection,
    app: &str,
    since: Timestamp,
) -> Result<i64, Error> {
    let count = sqlx::query_scalar(
        "SELECT coalesce(sum(count), 0)::bigint FROM rejections
         WHERE app = $1 AND reason = 'signature_mismatch' AND last_at >= $2",
    );
    let count = count.bind(app).bind(since.to_sqlx());
    Ok(count.fetch_one(conn).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_compared_by_number_and_text() {
        let known = [(1, vec![1]), (2, vec![2])];
        let applied = |rows: &[(i64, bool, u8)]| {
            let rows: Vec<_> = rows.iter().map(|(v, s, c)| (*v, *s, vec![*c])).collect();
            compare(&known, &rows)
        };
        assert_eq!(applied(&[(1, true, 1), (2, true, 2)]), Schema::Current(2));
        assert_eq!(applied(&[(1, true, 1)]), Schema::Behind(vec![2]));
        assert_eq!(applied(&[]), Schema::Behind(vec![1, 2]));
        assert_eq!(applied(&[(1, true, 1), (3, true, 3)]), Schema::Newer(3));
        assert_eq!(applied(&[(1, true, 9), (2, true, 2)]), Schema::Changed(1));
        assert_eq!(applied(&[(1, true, 1), (2, false, 2)]), Schema::Changed(2));
    }
}
