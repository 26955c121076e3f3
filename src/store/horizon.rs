//! Horizon of vacuum: the oldest transaction for which Postgres keeps dead versions of rows.
//!
//! Each flush of a consumer leaves a dead version of its row. As long as another client holds an
//! old transaction open, these versions stay, and flushes slow down.

use std::time::Duration;

use sqlx::PgConnection;

use super::Error;

/// Holder of the oldest transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Kind of the holder.
    pub kind: HolderKind,
    /// Time since the transaction began; `None` for replication, which has no time.
    pub age: Option<Duration>,
    /// Number of transactions since then that wrote something, in all databases of the server.
    pub transactions: i64,
}

/// Kind of a holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HolderKind {
    /// A session with an open transaction.
    Session,
    /// A prepared transaction.
    Prepared,
    /// A replication slot.
    Slot,
    /// A standby that reports its queries (`hot_standby_feedback`), without a slot.
    Standby,
}

impl HolderKind {
    /// All kinds.
    pub const ALL: &'static [Self] = &[Self::Session, Self::Prepared, Self::Slot, Self::Standby];

    /// Label for metrics.
    pub fn code(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Prepared => "prepared",
            Self::Slot => "slot",
            Self::Standby => "standby",
        }
    }

    fn of_code(code: &str) -> Self {
        let kind = Self::ALL.iter().find(|kind| kind.code() == code);
        kind.copied().unwrap_or(Self::Session)
    }
}

/// Finds the holder of the oldest transaction; `None` if there is no open transaction. Sessions of
/// other database users are visible only to superusers and members of `pg_read_all_stats`.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn oldest(conn: &mut PgConnection) -> Result<Option<Holder>, Error> {
    let row: Option<(String, Option<i64>, i64)> =
        sqlx::query_as(OLDEST).fetch_optional(conn).await?;
    Ok(row.map(|(code, age, transactions)| Holder {
        kind: HolderKind::of_code(&code),
        age: age.map(|age| Duration::from_millis(age.unsigned_abs())),
        transactions,
    }))
}

/// Sessions of other databases hold nothing in this one. Vacuum ignores its own workers.
const OLDEST: &str = "
    SELECT kind, CASE WHEN began_at IS NOT NULL THEN
               greatest(extract(epoch FROM clock_timestamp() - began_at) * 1000, 0)::bigint
           END, transactions
    FROM (
        SELECT CASE WHEN backend_type = 'walsender' THEN 'standby' ELSE 'session' END AS kind,
               CASE WHEN backend_type <> 'walsender' THEN xact_start END AS began_at,
               greatest(age(backend_xid), age(backend_xmin))::bigint AS transactions
        FROM pg_stat_activity
        WHERE pid <> pg_backend_pid() AND backend_type <> 'autovacuum worker'
          AND (datname = current_database() OR backend_type = 'walsender')
        UNION ALL
        SELECT 'prepared', prepared, age(transaction)::bigint
        FROM pg_prepared_xacts WHERE database = current_database()
        UNION ALL
        SELECT 'slot', NULL, age(xmin)::bigint FROM pg_replication_slots
    ) AS holder
    WHERE transactions IS NOT NULL
    ORDER BY transactions DESC, began_at LIMIT 1";
