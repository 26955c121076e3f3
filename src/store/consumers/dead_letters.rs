//! Dead letters: events that a consumer gave up.

use jiff::Timestamp;
use sqlx::PgConnection;

use crate::store::Error;

/// Event that a consumer gave up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Position of the event.
    pub position: i64,
    /// Time of receipt of the event.
    pub received_at: Timestamp,
    /// Number of failed attempts.
    pub attempts: i32,
    /// Time of the first failure.
    pub first_at: Timestamp,
    /// Time of the last failure.
    pub last_at: Timestamp,
    /// Rule that gave the event up.
    pub reason: String,
    /// Code of the last failure.
    pub code: String,
    /// `dead`, `retried` or `discarded`.
    pub state: String,
}

type Row = (
    i64,
    jiff_sqlx::Timestamp,
    i32,
    jiff_sqlx::Timestamp,
    jiff_sqlx::Timestamp,
    String,
    String,
    String,
);

/// Reads the last dead letters of the consumer `name` before a position, at most `limit`, the newest
/// first and in any state.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn dead_letters(
    conn: &mut PgConnection,
    name: &str,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<DeadLetter>, Error> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT position, received_at, attempts, first_at, last_at, reason, code, state
         FROM dead_letters WHERE consumer = $1 AND position < $2
         ORDER BY position DESC LIMIT $3",
    )
    .bind(name)
    .bind(before.unwrap_or(i64::MAX))
    .bind(i64::from(limit))
    .fetch_all(conn)
    .await?;
    let letter =
        |(position, received_at, attempts, first_at, last_at, reason, code, state): Row| {
            DeadLetter {
                position,
                received_at: received_at.to_jiff(),
                attempts,
                first_at: first_at.to_jiff(),
                last_at: last_at.to_jiff(),
                reason,
                code,
                state,
            }
        };
    Ok(rows.into_iter().map(letter).collect())
}

/// Marks dead letters as retried, so that their events can be handed out again. Returns the
/// positions of the marked letters, in ascending order. A letter may be retried again, as its event
/// may be lost on the way; a discarded one may not.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn retry(
    conn: &mut PgConnection,
    name: &str,
    positions: &[i64],
) -> Result<Vec<i64>, Error> {
    let retry = "UPDATE dead_letters SET state = 'retried'
                 WHERE consumer = $1 AND position = ANY ($2) AND state <> 'discarded'
                 RETURNING position";
    mark(conn, retry, name, positions).await
}

/// Marks dead letters as discarded; those that were retried stay. Returns the positions of the
/// marked letters, in ascending order.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn discard(
    conn: &mut PgConnection,
    name: &str,
    positions: &[i64],
) -> Result<Vec<i64>, Error> {
    let discard = "UPDATE dead_letters SET state = 'discarded'
                   WHERE consumer = $1 AND position = ANY ($2) AND state = 'dead'
                   RETURNING position";
    mark(conn, discard, name, positions).await
}

async fn mark(
    conn: &mut PgConnection,
    statement: &'static str,
    name: &str,
    positions: &[i64],
) -> Result<Vec<i64>, Error> {
    let marked = sqlx::query_scalar(statement).bind(name).bind(positions);
    let mut marked: Vec<i64> = marked.fetch_all(conn).await?;
    marked.sort_unstable();
    Ok(marked)
}
