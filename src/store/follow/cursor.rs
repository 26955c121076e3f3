//! Cursor of a follower: its row in `followers`, and the lock for moving the cursor.

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use sqlx::{AssertSqlSafe, PgConnection, error::DatabaseError};

use super::{super::Error, DRAWN, Start};

/// Maximum age of `caught_up_at` while nothing arrives. A clock that is behind `caught_up_at` by
/// more than this is not trusted.
const STALE: SignedDuration = SignedDuration::from_hours(1);

/// Progress of a follower. All times are from the database's clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor {
    /// Last processed position.
    pub position: i64,
    /// Every row committed before this time is processed; `None` before the first catch-up.
    pub caught_up_at: Option<Timestamp>,
    /// Start time of the follower.
    pub began_at: Timestamp,
    /// Time of reading this row.
    pub now: Timestamp,
}

impl Cursor {
    /// Cursor before the first position.
    pub(super) fn at_the_beginning(now: Timestamp) -> Self {
        Self {
            position: 0,
            caught_up_at: None,
            began_at: now,
            now,
        }
    }

    /// True if an idle follower should write `caught_up_at` again.
    pub(super) fn is_stale(&self) -> bool {
        self.caught_up_at
            .is_none_or(|at| self.now.duration_since(at).abs() > STALE)
    }

    /// Time before which every committed row is processed. `None` if the follower never caught up,
    /// or if the clock was set back: the clock then says nothing about the time of commits.
    pub(super) fn done_before(&self) -> Option<Timestamp> {
        let at = self.caught_up_at?.min(self.now);
        let set_back = self.caught_up_at?.duration_since(self.now) > STALE;
        (!set_back).then_some(at)
    }
}

type Row = (
    i64,
    Option<jiff_sqlx::Timestamp>,
    jiff_sqlx::Timestamp,
    jiff_sqlx::Timestamp,
);

/// Loads the cursor of the follower `name`, if there is one.
pub(super) async fn load(conn: &mut PgConnection, name: &str) -> Result<Option<Cursor>, Error> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT position, caught_up_at, began_at, clock_timestamp() FROM followers WHERE name = $1",
    )
    .bind(name)
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|(position, caught_up_at, began_at, now)| Cursor {
        position,
        caught_up_at: caught_up_at.map(jiff_sqlx::Timestamp::to_jiff),
        began_at: began_at.to_jiff(),
        now: now.to_jiff(),
    }))
}

/// Current time of the database.
pub(super) async fn clock(conn: &mut PgConnection) -> Result<Timestamp, Error> {
    let now: jiff_sqlx::Timestamp = sqlx::query_scalar("SELECT clock_timestamp()")
        .fetch_one(conn)
        .await?;
    Ok(now.to_jiff())
}

/// Loads the cursor of the follower `name`. Creates its row if it is missing.
pub(super) async fn load_or_begin(
    conn: &mut PgConnection,
    name: &str,
    start: Start,
) -> Result<Cursor, Error> {
    loop {
        if let Some(cursor) = load(conn, name).await? {
            return Ok(cursor);
        }
        begin(conn, name, start).await?;
    }
}

/// Creates the row of a follower. [`Start::Now`] takes the position from the sequence, because the
/// sequence is never behind a committed or pending position.
async fn begin(conn: &mut PgConnection, name: &str, start: Start) -> Result<(), Error> {
    let begin = format!(
        "INSERT INTO followers (name, position, caught_up_at)
         VALUES ($1, least($2, {DRAWN}), CASE WHEN $3 THEN clock_timestamp() END)
         ON CONFLICT DO NOTHING"
    );
    let begin = sqlx::query(AssertSqlSafe(begin)).bind(name);
    let begin = begin.bind(start.position()).bind(start == Start::Now);
    begin.execute(conn).await?;
    Ok(())
}

/// Locks the row of the follower `name` until the transaction ends, and returns its position.
/// `None` if there is no such row, or if another session holds the lock for too long.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn lock(conn: &mut PgConnection, name: &str) -> Result<Option<i64>, Error> {
    let locked = sqlx::query_scalar("SELECT position FROM followers WHERE name = $1 FOR UPDATE");
    match locked.bind(name).fetch_optional(conn).await {
        Err(error) if is_lock_timeout(&error) => Ok(None),
        locked => Ok(locked?),
    }
}

fn is_lock_timeout(error: &sqlx::Error) -> bool {
    let state = error.as_database_error().and_then(DatabaseError::code);
    state.as_deref() == Some("55P03")
}

/// Moves the cursor. Sets `caught_up_at` if the follower caught up.
pub(super) async fn advance(
    conn: &mut PgConnection,
    name: &str,
    position: i64,
    caught_up_at: Option<Timestamp>,
) -> Result<(), Error> {
    sqlx::query(
        "UPDATE followers SET position = $2, caught_up_at = coalesce($3, caught_up_at)
         WHERE name = $1",
    )
    .bind(name)
    .bind(position)
    .bind(caught_up_at.map(ToSqlx::to_sqlx))
    .execute(conn)
    .await?;
    Ok(())
}

/// Records an idle turn in `caught_up_at`, unless the cursor has moved since.
pub(super) async fn rest(
    conn: &mut PgConnection,
    name: &str,
    cursor: &Cursor,
) -> Result<(), Error> {
    sqlx::query("UPDATE followers SET caught_up_at = $3 WHERE name = $1 AND position = $2")
        .bind(name)
        .bind(cursor.position)
        .bind(cursor.now.to_sqlx())
        .execute(conn)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(caught_up_at: Option<&str>, now: &str) -> Cursor {
        Cursor {
            caught_up_at: caught_up_at.map(|at| at.parse().unwrap()),
            ..Cursor::at_the_beginning(now.parse().unwrap())
        }
    }

    #[test]
    fn a_clock_that_was_set_back_is_not_believed() {
        let noon = "2026-11-21T12:00:00Z";
        for (now, done_before, stale) in [
            ("2026-11-21T12:00:01Z", Some(noon), false),
            ("2026-11-21T14:00:00Z", Some(noon), true),
            ("2026-11-21T11:59:59Z", Some("2026-11-21T11:59:59Z"), false),
            ("2026-11-20T12:00:00Z", None, true),
        ] {
            let cursor = cursor(Some(noon), now);
            let done = cursor.done_before().map(|at| at.to_string());
            assert_eq!(
                (done.as_deref(), cursor.is_stale()),
                (done_before, stale),
                "{now}"
            );
        }
        assert_eq!(cursor(None, noon).done_before(), None);
    }
}
