//! The row of a follower: how far it came, and who may move it.

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use sqlx::{PgConnection, error::DatabaseError};

use super::{super::Error, Start};

/// How old `caught_up_at` may become while nothing arrives, and how far the clock may be behind it
/// before it is not believed.
const STALE: SignedDuration = SignedDuration::from_hours(1);

/// How far a follower came. All times are the database's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor {
    /// Everything up to here is done.
    pub position: i64,
    /// Everything committed before is done; none before it has caught up once.
    pub caught_up_at: Option<Timestamp>,
    /// When it began.
    pub began_at: Timestamp,
    /// When this was read.
    pub now: Timestamp,
}

impl Cursor {
    /// One that has done nothing yet.
    pub(super) fn at_the_beginning(now: Timestamp) -> Self {
        Self {
            position: 0,
            caught_up_at: None,
            began_at: now,
            now,
        }
    }

    /// Whether it is worth a write that there was nothing to do.
    pub(super) fn is_stale(&self) -> bool {
        self.caught_up_at
            .is_none_or(|at| self.now.duration_since(at).abs() > STALE)
    }

    /// Everything committed before is done, as far as the clock can be believed: one that was set
    /// back says nothing about the time of commits.
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

/// The cursor of the follower called `name`, if there is one.
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

/// The database's time.
pub(super) async fn clock(conn: &mut PgConnection) -> Result<Timestamp, Error> {
    let now: jiff_sqlx::Timestamp = sqlx::query_scalar("SELECT clock_timestamp()")
        .fetch_one(conn)
        .await?;
    Ok(now.to_jiff())
}

/// The cursor of the follower called `name`; its row is made where there is none.
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

/// The sequence is ahead of every position that is committed or on its way.
async fn begin(conn: &mut PgConnection, name: &str, start: Start) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO followers (name, position, caught_up_at)
         SELECT $1, CASE WHEN $2 AND is_called THEN last_value ELSE 0 END,
                CASE WHEN $2 THEN clock_timestamp() END
         FROM event_position
         ON CONFLICT DO NOTHING",
    )
    .bind(name)
    .bind(start == Start::Now)
    .execute(conn)
    .await?;
    Ok(())
}

/// Locks the row of the follower called `name` until the transaction ends, and says where it
/// stands; none where there is no such row, or another session kept it for too long.
///
/// # Errors
/// Where Postgres is away.
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

/// Moves the cursor; where it caught up, says as of when.
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

/// Notes that there was nothing behind the cursor, unless it has moved since.
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
