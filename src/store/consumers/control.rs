//! Control of consumers: creating, pausing, moving and removing them.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::store::{
    Error,
    follow::{DRAWN, Start},
};

/// Consumer or destination to create.
#[derive(Clone, Copy, Debug)]
pub struct NewConsumer<'a> {
    /// Name in the configuration.
    pub name: &'a str,
    /// Side that asks for the events.
    pub kind: ConsumerKind,
    /// Unit of ordering: `person`, `account` or `none`.
    pub lane: &'static str,
    /// Start position. A position beyond the end of the log means the end.
    pub start: Start,
}

/// Kind of a consumer: workers fetch the events, or the events are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsumerKind {
    /// Workers fetch the events.
    Consumer,
    /// The events are sent to a destination.
    Destination,
}

impl ConsumerKind {
    /// Value of the column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Consumer => "consumer",
            Self::Destination => "destination",
        }
    }

    pub(super) fn of_name(name: &str) -> Self {
        if name == Self::Destination.as_str() {
            Self::Destination
        } else {
            Self::Consumer
        }
    }
}

/// Creates a consumer. One that exists keeps its place and its lanes, and takes the new kind. The first
/// generation is a time, so that a consumer that was removed and created again has none of the
/// generations that it had before.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn register(conn: &mut PgConnection, new: NewConsumer<'_>) -> Result<(), Error> {
    let register = format!(
        "INSERT INTO consumers (name, generation, kind, lane, position, caught_up_at)
         VALUES ($1, extract(epoch FROM clock_timestamp() - '2020-01-01Z'::timestamptz)::bigint,
                 $2, $3, least($4, {DRAWN}), CASE WHEN $5 THEN clock_timestamp() END)
         ON CONFLICT (name) DO UPDATE SET kind = excluded.kind
         WHERE consumers.kind <> excluded.kind"
    );
    let register = sqlx::query(AssertSqlSafe(register)).bind(new.name);
    let register = register.bind(new.kind.as_str()).bind(new.lane);
    let register = register.bind(new.start.position());
    let register = register.bind(new.start == Start::Now);
    register.execute(conn).await?;
    Ok(())
}

/// Moves the consumer `name` to `to`: all events up to there are settled, and all later events are
/// unsettled. The generation rises, so the next flush of the owner writes nothing. Returns false if
/// there is no such consumer.
///
/// # Errors
/// If Postgres is unavailable; nothing was changed.
pub async fn seek(conn: &mut PgConnection, name: &str, to: Start) -> Result<bool, Error> {
    let mut tx = conn.begin().await?;
    let seek = format!(
        "UPDATE consumers
         SET generation = generation + 1, position = least($2, {DRAWN}), heads = '', leases = NULL,
             backlogs = NULL,
             caught_up_at = CASE WHEN $3 THEN clock_timestamp() END
         WHERE name = $1"
    );
    let seek = sqlx::query(AssertSqlSafe(seek)).bind(name);
    let seek = seek.bind(to.position()).bind(to == Start::Now);
    let moved = seek.execute(&mut *tx).await?.rows_affected();
    forget(&mut tx, LANES, name).await?;
    tx.commit().await?;
    Ok(moved > 0)
}

/// Removes the consumer `name` with its waiting lanes and dead letters, and cancels its replays.
/// Returns false if there is no such consumer.
///
/// # Errors
/// If Postgres is unavailable; nothing was changed.
pub async fn remove(conn: &mut PgConnection, name: &str) -> Result<bool, Error> {
    let mut tx = conn.begin().await?;
    let removed = sqlx::query("DELETE FROM consumers WHERE name = $1").bind(name);
    let removed = removed.execute(&mut *tx).await?.rows_affected();
    forget(&mut tx, LANES, name).await?;
    forget(&mut tx, DEAD_LETTERS, name).await?;
    forget(&mut tx, REPLAYS, name).await?;
    tx.commit().await?;
    Ok(removed > 0)
}

const LANES: &str = "DELETE FROM consumer_lanes WHERE consumer = $1";

const DEAD_LETTERS: &str = "DELETE FROM dead_letters WHERE consumer = $1";

/// A later consumer of the name does not go on with them.
const REPLAYS: &str = "
    UPDATE replays SET state = 'cancelled', ended_at = clock_timestamp()
    WHERE consumer = $1 AND state IN ('running', 'paused')";

/// Deletes the rows of a consumer, and ends its replays, in a statement after the one that locks the consumer. A single
/// statement would not see the rows of a flush that it waited for.
async fn forget(conn: &mut PgConnection, statement: &'static str, name: &str) -> Result<(), Error> {
    sqlx::query(statement).bind(name).execute(conn).await?;
    Ok(())
}

/// Pauses the consumer `name`: the owner hands nothing out from its next flush on. `reason` is
/// operator, gone, clock or breaker. Returns false if there is no such consumer.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn pause(
    conn: &mut PgConnection,
    name: &str,
    reason: &'static str,
) -> Result<bool, Error> {
    set_paused(conn, name, Some(reason)).await
}

/// Ends the pause of the consumer `name`. Returns false if there is no such consumer.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn resume(conn: &mut PgConnection, name: &str) -> Result<bool, Error> {
    set_paused(conn, name, None).await
}

async fn set_paused(
    conn: &mut PgConnection,
    name: &str,
    reason: Option<&str>,
) -> Result<bool, Error> {
    let set = sqlx::query("UPDATE consumers SET paused = $2 WHERE name = $1");
    let set = set.bind(name).bind(reason).execute(conn).await?;
    Ok(set.rows_affected() > 0)
}
