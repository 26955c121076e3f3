//! Ownership of a consumer: taking it over with its state, and giving it up.

use std::{collections::BTreeMap, fmt, time::Duration};

use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, postgres::PgRow};

use super::{Backlog, Progress, heads, leases, millis};
use crate::store::Error;

/// Process that owns consumers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Identity of the server. A process with the same identity is the same server, restarted, and
    /// need not wait for the end of the ownership.
    pub name: String,
    /// Address for other processes.
    pub address: Option<String>,
}

/// Result of [`take`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Take {
    /// The consumer is taken over.
    Taken(Box<Taken>),
    /// Another process owns the consumer.
    OwnedBy(Owner),
    /// There is no such consumer.
    Missing,
}

/// State of a consumer at its takeover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Number of this ownership, for each [`Flush`](super::Flush).
    pub generation: i64,
    /// Rest of the lease of each event that was out at the release by the owner before, by position;
    /// empty if there was no owner. `None` if any event may be out.
    pub leases: Option<BTreeMap<i64, Duration>>,
    /// Key of the lease tokens, the same for every owner.
    pub token_key: TokenKey,
    /// Stored progress.
    pub progress: Progress,
}

/// Secret key of the lease tokens of a consumer: 32 bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenKey(Vec<u8>);

impl TokenKey {
    /// Bytes of the key.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKey([REDACTED])")
    }
}

impl Taken {
    fn of(row: &PgRow) -> Result<Self, Error> {
        Ok(Self {
            generation: row.try_get("generation")?,
            leases: row
                .try_get::<Option<&[u8]>, _>("last_leases")?
                .and_then(leases::decode),
            token_key: TokenKey(row.try_get("token_key")?),
            progress: Progress::of(row)?,
        })
    }
}

/// Takes the consumer `name` over for `time`. An ownership of more than twice `time` is from a clock
/// that was set back since, and is over.
///
/// # Errors
/// If Postgres is unavailable, or the stored heads are malformed.
pub async fn take(
    conn: &mut PgConnection,
    name: &str,
    owner: &Owner,
    time: Duration,
) -> Result<Take, Error> {
    loop {
        if let Some(taken) = try_take(conn, name, owner, time).await? {
            return Ok(Take::Taken(Box::new(taken)));
        }
        match owner_of(conn, name).await? {
            None => return Ok(Take::Missing),
            Some(Some(owner)) => return Ok(Take::OwnedBy(owner)),
            // The owner has released the consumer meanwhile.
            Some(None) => {}
        }
    }
}

async fn try_take(
    conn: &mut PgConnection,
    name: &str,
    owner: &Owner,
    time: Duration,
) -> Result<Option<Taken>, Error> {
    let take = format!(
        "WITH free AS (
             SELECT name AS free_name, leases AS last_leases FROM consumers
             WHERE name = $1
               AND (owner IS NULL OR owned_until IS NULL OR owner = $2
                    OR owned_until NOT BETWEEN clock_timestamp()
                                           AND clock_timestamp() + 2 * $4 * interval '1 ms')
             FOR UPDATE
         )
         UPDATE consumers
         SET generation = generation + 1, owner = $2, owner_address = $3,
             owned_until = clock_timestamp() + $4 * interval '1 ms', leases = NULL
         FROM free WHERE name = free_name
         RETURNING last_leases, generation, token_key, {}",
        Progress::COLUMNS
    );
    let take = sqlx::query(AssertSqlSafe(take)).bind(name);
    let take = take.bind(&owner.name).bind(&owner.address);
    let row = take.bind(millis(time)).fetch_optional(conn).await?;
    row.as_ref().map(Taken::of).transpose()
}

/// Last owner of the consumer `name`, if there is such a consumer; `None` if it is free.
async fn owner_of(conn: &mut PgConnection, name: &str) -> Result<Option<Option<Owner>>, Error> {
    let owner = sqlx::query_as("SELECT owner, owner_address FROM consumers WHERE name = $1");
    let owner: Option<(Option<String>, Option<String>)> =
        owner.bind(name).fetch_optional(conn).await?;
    Ok(owner.map(|(name, address)| name.map(|name| Owner { name, address })))
}

/// Gives the ownership up, so that another process can take the consumer at once. The next owner gets
/// `leases` as [`Taken::leases`]. Changes nothing if the consumer has another generation.
///
/// # Errors
/// If Postgres is unavailable; the ownership then ends with its time.
pub async fn release(
    conn: &mut PgConnection,
    name: &str,
    generation: i64,
    leases: Option<&BTreeMap<i64, Duration>>,
) -> Result<(), Error> {
    let release = sqlx::query(
        "UPDATE consumers
         SET owner = NULL, owner_address = NULL, owned_until = NULL, leases = $3
         WHERE name = $1 AND generation = $2",
    );
    let release = release.bind(name).bind(generation);
    let release = release.bind(leases.map(leases::encode));
    release.execute(conn).await?;
    Ok(())
}

/// Moves an owned consumer back to `position`, with only these heads, backlogs and the waiting lanes before
/// it, so that the owner reads all events behind `position` again, under the unit of ordering `lane`. Totals and dead
/// letters stay. Returns false, and changes nothing, if the consumer has another generation.
///
/// # Errors
/// If Postgres is unavailable; nothing was changed, unless only the answer was lost. A repeat has the
/// same effect.
pub async fn rewind(
    conn: &mut PgConnection,
    name: &str,
    generation: i64,
    (position, heads, backlogs): (i64, &[i64], &[Backlog]),
    lane: &'static str,
) -> Result<bool, Error> {
    let mut tx = conn.begin().await?;
    let rewind = sqlx::query(
        "UPDATE consumers SET position = $3, lane = $4, heads = $5, backlogs = $6, caught_up_at = NULL
         WHERE name = $1 AND generation = $2",
    );
    let rewind = rewind.bind(name).bind(generation).bind(position).bind(lane);
    let rewind = rewind.bind(heads::encode(position, heads));
    let rewind = rewind.bind(Backlog::encode(backlogs));
    let is_mine = rewind.execute(&mut *tx).await?.rows_affected() > 0;
    if is_mine {
        let forget = "DELETE FROM consumer_lanes WHERE consumer = $1 AND position > $2";
        let forget = sqlx::query(forget).bind(name).bind(position);
        forget.execute(&mut *tx).await?;
    }
    tx.commit().await?;
    Ok(is_mine)
}
