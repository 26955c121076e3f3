//! Entry into the log at any position, without a stored cursor.
//!
//! A reader that knows only its position would have to look for later rows in all days. A row at
//! or before the position bounds the days: it was received within an hour of its commit, unless its
//! day has later rows in `late_days`, and all rows behind the position were committed after it.

use jiff::{SignedDuration, Timestamp, civil::Date};
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use super::{
    super::{Error, commit::day, partitions},
    cursor::{self, Cursor},
    days::day_range,
    search::{Search, after, before},
};

/// Positions whose rows are no longer stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// First missing position.
    pub from: i64,
    /// Last missing position.
    pub to: i64,
}

/// Maximum age of a catch-up that bounds the days to a few.
const RECENT: SignedDuration = SignedDuration::from_hours(24);

/// Builds a cursor at `position`, with everything committed before `caught_up_at` read. If `position`
/// is older than every stored row, finds the gap before the first row. Behind a recent catch-up
/// there is no gap to find.
pub(super) async fn enter(
    conn: &mut PgConnection,
    position: i64,
    caught_up_at: Option<Timestamp>,
) -> Result<(Cursor, Search, Option<Gap>), Error> {
    let now = cursor::clock(conn).await?;
    let mut cursor = Cursor {
        position,
        caught_up_at,
        ..Cursor::at_the_beginning(now)
    };
    let done_before = cursor.done_before();
    if done_before.is_some_and(|at| now.duration_since(at) < RECENT) {
        return Ok((cursor, Search::default(), None));
    }
    cursor.caught_up_at = None;
    let mut days = partitions::days(conn).await?;
    days.retain(|known| *known <= day(after(now)));
    if position > 0 {
        let row = row_before(conn, &days, position).await?;
        cursor.caught_up_at = row.map(before);
        if row.is_some() || is_stored_before(conn, &days, position).await? {
            return Ok((cursor, Search::default(), None));
        }
    }
    let (search, first) = Search::from_the_first(conn, &cursor).await?;
    let gap = first.map(|first| Gap {
        from: position + 1,
        to: first - 1,
    });
    Ok((cursor, search, gap.filter(|gap| gap.from <= gap.to)))
}

/// Time of receipt of a row up to `position` that was committed within an hour of it. Looks into
/// one day after the other, the newest first.
async fn row_before(
    conn: &mut PgConnection,
    days: &[Date],
    position: i64,
) -> Result<Option<Timestamp>, Error> {
    for day in days.iter().rev() {
        let (from, to) = day_range(*day);
        let row: Option<jiff_sqlx::Timestamp> = sqlx::query_scalar(
            "SELECT received_at FROM stored_events
             WHERE received_at >= $1 AND received_at < $2 AND position <= $3
               AND position > coalesce((SELECT last_position FROM late_days WHERE day = $4), 0)
             ORDER BY position DESC LIMIT 1",
        )
        .bind(from.to_sqlx())
        .bind(to.to_sqlx())
        .bind(position)
        .bind(day.to_sqlx())
        .fetch_optional(&mut *conn)
        .await?;
        if let Some(row) = row {
            return Ok(Some(row.to_jiff()));
        }
    }
    Ok(None)
}

/// True if any row up to `position` is stored. Looks into one day after the other, the oldest
/// first.
async fn is_stored_before(
    conn: &mut PgConnection,
    days: &[Date],
    position: i64,
) -> Result<bool, Error> {
    for day in days {
        let (from, to) = day_range(*day);
        let is_stored: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM stored_events
                            WHERE received_at >= $1 AND received_at < $2 AND position <= $3)
                 OR EXISTS (SELECT FROM stored_repeats
                            WHERE received_at >= $1 AND received_at < $2 AND position <= $3)",
        )
        .bind(from.to_sqlx())
        .bind(to.to_sqlx())
        .bind(position)
        .fetch_one(&mut *conn)
        .await?;
        if is_stored {
            return Ok(true);
        }
    }
    Ok(false)
}
