//! Lanes that wait for the next attempt at their heads.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::PgConnection;

use crate::store::Error;

/// Lane that waits for the next attempt at its head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingLane {
    /// Position of the head.
    pub position: i64,
    /// Time of receipt of the head.
    pub received_at: Timestamp,
    /// Number of failed attempts.
    pub attempts: i32,
    /// Time since the first failure.
    pub failed_for: Duration,
    /// Time until the next attempt; zero if the attempt is due.
    pub due_in: Duration,
    /// Code of the last failure.
    pub code: String,
}

type Row = (i64, jiff_sqlx::Timestamp, i32, i64, i64, String);

/// Reads the waiting lanes of the consumer `name`, in the order of their heads. If the clock was set
/// back since the first failure of a head, its lane waits no longer than from that failure.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn waiting(conn: &mut PgConnection, name: &str) -> Result<Vec<WaitingLane>, Error> {
    let lanes: Vec<Row> = sqlx::query_as(
        "SELECT position, received_at, attempts,
                greatest(extract(epoch FROM clock_timestamp() - first_at) * 1000, 0)::bigint,
                greatest(extract(epoch FROM due_at - greatest(clock_timestamp(), first_at)) * 1000,
                         0)::bigint, code
         FROM consumer_lanes WHERE consumer = $1 ORDER BY position",
    )
    .bind(name)
    .fetch_all(conn)
    .await?;
    let lane = |(position, received_at, attempts, failed_for, due_in, code): Row| WaitingLane {
        position,
        received_at: received_at.to_jiff(),
        attempts,
        failed_for: Duration::from_millis(failed_for.unsigned_abs()),
        due_in: Duration::from_millis(due_in.unsigned_abs()),
        code,
    };
    Ok(lanes.into_iter().map(lane).collect())
}
