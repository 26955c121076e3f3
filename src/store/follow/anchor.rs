//! Entry into the log at any position, without a stored cursor.
//!
//! A reader that knows only its position would have to look for later rows in all days. A row at
//! or before the position bounds the days: it was received within an hour of its commit, unless its
//! day has later rows in `late_days`, and all rows behind the position were committed after it.

use jiff::{Timestamp, civil::Date};
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

/// Builds a cursor at `position`. If `position` is older than every stored row, finds the gap
/// before the first row.
pub(super) async fn enter(
    conn: &mut PgConnection,
    position: i64,
) -> Result<(Cursor, Search, Option<Gap>), Error> {
    let now = cursor::clock(conn).await?;
    let mut cursor = Cursor::at_the_beginning(now);
    cursor.position = position;
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
