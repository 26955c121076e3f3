//! Audit of content that was shown.

use std::{net::IpAddr, time::Duration};

use jiff::Timestamp;
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{Connection, Error};

/// Maximum number of sessions that write entries.
const SESSIONS: u32 = 4;

/// Deadline for a session and an entry.
const DEADLINE: Duration = Duration::from_secs(5);

/// Entry of the audit. Contains no content.
#[derive(Clone, Debug)]
pub struct AuditEntry {
    /// Name of the token; empty for a failed login.
    pub token: String,
    /// Client address.
    pub address: Option<IpAddr>,
    /// Name of the action.
    pub verb: &'static str,
    /// Position, delivery id, or hash of a person or account.
    pub subject: Option<String>,
    /// Number of events shown.
    pub rows: Option<i64>,
}

/// Writer of the audit.
#[derive(Clone, Debug)]
pub struct AuditLog(PgPool);

impl AuditLog {
    /// Creates a writer on the server of `options`. It connects on demand.
    pub fn new(options: &PgConnectOptions) -> Self {
        let options = options
            .clone()
            .application_name("hookshelf audit")
            .options([("statement_timeout", "5s"), ("lock_timeout", "5s")]);
        let pool = PgPoolOptions::new()
            .max_connections(SESSIONS)
            .acquire_timeout(DEADLINE);
        Self(pool.connect_lazy_with(options))
    }

    /// Writes an entry; it is durable when the function returns.
    ///
    /// # Errors
    /// If Postgres is unavailable or does not answer in time.
    pub async fn write(&self, entry: &AuditEntry) -> Result<(), Error> {
        let insert = sqlx::query(
            "INSERT INTO audit (token, address, verb, subject, rows)
             VALUES ($1, $2::inet, $3, $4, $5)",
        );
        let insert = insert
            .bind(&entry.token)
            .bind(entry.address.map(|address| address.to_string()))
            .bind(entry.verb)
            .bind(&entry.subject)
            .bind(entry.rows)
            .execute(&self.0);
        let written = tokio::time::timeout(DEADLINE, insert).await;
        written.map_err(|_| Error::TimedOut)??;
        Ok(())
    }
}

/// Change of the labels of an account. `None` keeps a label, and an empty text removes it.
#[derive(Clone, Debug, Default)]
pub struct AccountLabels {
    /// Label of the account.
    pub label: Option<String>,
    /// Client of the account.
    pub client: Option<String>,
}

impl AuditLog {
    /// Changes the labels of the accounts with this id. Returns the number of accounts, one for
    /// each app.
    ///
    /// # Errors
    /// If Postgres is unavailable or does not answer in time.
    pub async fn set_labels(&self, account: &str, labels: &AccountLabels) -> Result<u64, Error> {
        let update = sqlx::query(
            "UPDATE accounts SET label = nullif(coalesce($2, label), ''),
                                 client = nullif(coalesce($3, client), '')
             WHERE account_id = $1",
        );
        let update = update
            .bind(account)
            .bind(&labels.label)
            .bind(&labels.client)
            .execute(&self.0);
        let updated = tokio::time::timeout(DEADLINE, update).await;
        Ok(updated.map_err(|_| Error::TimedOut)??.rows_affected())
    }
}

/// Deletes entries older than two years.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn delete_old(conn: &mut Connection) -> Result<u64, Error> {
    let delete = sqlx::query("DELETE FROM audit WHERE at < now() - interval '2 years'");
    Ok(delete.execute(conn).await?.rows_affected())
}

/// Filter for entries: combines the set fields with AND.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Entries with one of these subjects; empty for any.
    pub subjects: Vec<String>,
    /// Name of the token.
    pub token: Option<String>,
    /// At this moment or later.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
}
