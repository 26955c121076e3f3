//! Ownership of a consumer: taking it over with its state, and giving it up.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::{PgConnection, Row, postgres::PgRow};

use super::{heads, millis};
use crate::store::Error;

/// Process that owns consumers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Identity of the process. A process with the same identity is the same one, restarted, and
    /// need not wait for the end of the ownership.
    pub name: String,
    /// Address for other processes.
    pub address: Option<String>,
}

/// State of a consumer at its takeover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Number of this ownership, for each [`Flush`](super::Flush).
    pub generation: i64,
    /// Last position read.
    pub position: i64,
    /// Everything committed before this time is read; `None` before the first catch-up.
    pub caught_up_at: Option<Timestamp>,
    /// First unsettled position of each lane that does not wait, in ascending order.
    pub heads: Vec<i64>,
    /// Reason of a pause.
    pub paused: Option<String>,
    /// Number of settled events.
    pub settled: i64,
    /// Number of skipped events.
    pub skipped: i64,
    /// Number of events that became dead letters.
    pub dead: i64,
}

impl Taken {
    fn of(row: &PgRow) -> Result<Self, Error> {
        Ok(Self {
            generation: row.try_get("generation")?,
            position: row.try_get("position")?,
            caught_up_at: time(row, "caught_up_at")?,
            heads: heads_of(row)?,
            paused: row.try_get("paused")?,
            settled: row.try_get("settled")?,
            skipped: row.try_get("skipped")?,
            dead: row.try_get("dead")?,
        })
    }
}

/// Takes the consumer `name` over for `time`. `None` if another process owns it, or if there is no
/// such consumer. An ownership of more than twice `time` is from a clock that was set back since,
/// and is over.
///
/// # Errors
/// If Postgres is unavailable, or the stored heads are malformed.
pub async fn take(
    conn: &mut PgConnection,
    name: &str,
    owner: &Owner,
    time: Duration,
) -> Result<Option<Taken>, Error> {
    let take = sqlx::query(
        "UPDATE consumers
         SET generation = generation + 1, owner = $2, owner_address = $3,
             owned_until = clock_timestamp() + $4 * interval '1 ms'
         WHERE name = $1
           AND (owned_until IS NULL OR owner = $2
                OR owned_until NOT BETWEEN clock_timestamp()
                                       AND clock_timestamp() + 2 * $4 * interval '1 ms')
         RETURNING generation, position, caught_up_at, heads, paused, settled, skipped, dead",
    );
    let take = take.bind(name).bind(&owner.name).bind(&owner.address);
    let row = take.bind(millis(time)).fetch_optional(conn).await?;
    row.as_ref().map(Taken::of).transpose()
}

/// Gives the ownership up, so that another process can take the consumer at once. Changes nothing
/// if the consumer has another generation.
///
/// # Errors
/// If Postgres is unavailable; the ownership then ends with its time.
pub async fn release(conn: &mut PgConnection, name: &str, generation: i64) -> Result<(), Error> {
    let release = sqlx::query(
        "UPDATE consumers SET owner = NULL, owner_address = NULL, owned_until = NULL
         WHERE name = $1 AND generation = $2",
    );
    release.bind(name).bind(generation).execute(conn).await?;
    Ok(())
}

/// Lane that waits for the next attempt at its head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingLane {
    /// Position of the head.
    pub position: i64,
    /// Time of receipt of the head.
    pub received_at: Timestamp,
    /// Number of failed attempts.
    pub attempts: i32,
    /// Time of the first failure.
    pub first_at: Timestamp,
    /// Time until the next attempt; zero if the attempt is due.
    pub due_in: Duration,
    /// Code of the last failure.
    pub code: String,
}

/// Reads the waiting lanes of the consumer `name`, in the order of their heads.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn waiting(conn: &mut PgConnection, name: &str) -> Result<Vec<WaitingLane>, Error> {
    type Lane = (
        i64,
        jiff_sqlx::Timestamp,
        i32,
        jiff_sqlx::Timestamp,
        i64,
        String,
    );
    let lanes: Vec<Lane> = sqlx::query_as(
        "SELECT position, received_at, attempts, first_at,
                greatest(extract(epoch FROM due_at - clock_timestamp()) * 1000, 0)::bigint, code
         FROM consumer_lanes WHERE consumer = $1 ORDER BY position",
    )
    .bind(name)
    .fetch_all(conn)
    .await?;
    let lane = |(position, received_at, attempts, first_at, due_in, code): Lane| WaitingLane {
        position,
        received_at: received_at.to_jiff(),
        attempts,
        first_at: first_at.to_jiff(),
        due_in: Duration::from_millis(due_in.unsigned_abs()),
        code,
    };
    Ok(lanes.into_iter().map(lane).collect())
}

/// Heads in a row of `consumers`.
pub(super) fn heads_of(row: &PgRow) -> Result<Vec<i64>, Error> {
    heads::decode(row.try_get("position")?, row.try_get("heads")?).map_err(Error::Heads)
}

/// Time in a column that may be null.
pub(super) fn time(row: &PgRow, column: &str) -> sqlx::Result<Option<Timestamp>> {
    let time: Option<jiff_sqlx::Timestamp> = row.try_get(column)?;
    Ok(time.map(jiff_sqlx::Timestamp::to_jiff))
}
