//! List of consumers.

use jiff::Timestamp;
use sqlx::{PgConnection, Row, postgres::PgRow};

use super::owner::{Owner, heads_of, time};
use crate::store::Error;

/// State of a consumer, for lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerStatus {
    /// Name of the consumer.
    pub name: String,
    /// Present owner.
    pub owner: Option<Owner>,
    /// Last position read.
    pub position: i64,
    /// Everything committed before this time is read; `None` before the first catch-up.
    pub caught_up_at: Option<Timestamp>,
    /// First unsettled position of each lane that does not wait, in ascending order.
    pub heads: Vec<i64>,
    /// Number of settled events.
    pub settled: i64,
    /// Number of skipped events.
    pub skipped: i64,
    /// Number of events that became dead letters, ever.
    pub dead: i64,
    /// Reason of a pause.
    pub paused: Option<String>,
    /// Number of waiting lanes.
    pub waiting: i64,
    /// Number of dead letters that are neither retried nor discarded.
    pub dead_letters: i64,
}

impl ConsumerStatus {
    fn of(row: &PgRow) -> Result<Self, Error> {
        let owner: Option<String> = row.try_get("owner")?;
        let address = row.try_get("owner_address")?;
        Ok(Self {
            name: row.try_get("name")?,
            owner: owner.map(|name| Owner { name, address }),
            position: row.try_get("position")?,
            caught_up_at: time(row, "caught_up_at")?,
            heads: heads_of(row)?,
            settled: row.try_get("settled")?,
            skipped: row.try_get("skipped")?,
            dead: row.try_get("dead")?,
            paused: row.try_get("paused")?,
            waiting: row.try_get("waiting")?,
            dead_letters: row.try_get("dead_letters")?,
        })
    }
}

/// Reads all consumers, by name.
///
/// # Errors
/// If Postgres is unavailable, or the heads of a consumer are malformed.
pub async fn list(conn: &mut PgConnection) -> Result<Vec<ConsumerStatus>, Error> {
    let rows = sqlx::query(
        "SELECT name, CASE WHEN owned_until > clock_timestamp() THEN owner END AS owner,
                owner_address, position, caught_up_at, heads, settled, skipped, dead, paused,
                (SELECT count(*) FROM consumer_lanes WHERE consumer = name) AS waiting,
                (SELECT count(*) FROM dead_letters
                 WHERE consumer = name AND state = 'dead') AS dead_letters
         FROM consumers ORDER BY name",
    );
    let rows = rows.fetch_all(conn).await?;
    rows.iter().map(ConsumerStatus::of).collect()
}
