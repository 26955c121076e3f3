//! Audit of content that was shown, and of changes of consumers.

use std::net::IpAddr;

use jiff::Timestamp;

use super::{Connection, Error, Writes};

/// Entry of the audit. Contains no content.
#[derive(Clone, Debug)]
pub struct AuditEntry {
    /// Name of the token; empty for a failed login.
    pub token: String,
    /// Client address.
    pub address: Option<IpAddr>,
    /// Name of the action.
    pub verb: &'static str,
    /// Position, delivery id, name of a consumer, or hash of a person or account.
    pub subject: Option<String>,
    /// Number of events shown, or concerned by a change.
    pub rows: Option<i64>,
}

/// Writes an entry; it is durable when the function returns.
///
/// # Errors
/// If Postgres is unavailable or does not answer in time.
pub async fn write(writes: &Writes, entry: &AuditEntry) -> Result<(), Error> {
    let insert = sqlx::query(
        "INSERT INTO audit (token, address, verb, subject, rows)
         VALUES ($1, $2::inet, $3, $4, $5)",
    );
    let insert = insert
        .bind(&entry.token)
        .bind(entry.address.map(|address| address.to_string()))
        .bind(entry.verb)
        .bind(&entry.subject)
        .bind(entry.rows);
    writes.execute(insert).await.map(drop)
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
