//! Search for rows behind a cursor.
//!
//! A row is received within an hour of its commit, by the database's clock, or its day is in
//! `late_days`. Every row committed before `caught_up_at` is done. The other rows were received
//! after `caught_up_at`, or at most an hour before it. A second hour is the margin for commits in
//! progress.

use jiff::{SignedDuration, Timestamp, ToSpan, civil::Date};
use sqlx::{PgConnection, QueryBuilder};

use super::{
    super::{Error, commit::day},
    cursor::{self, Cursor},
    day_index::{DAYS_AT_ONCE, DayIndex, LogRange},
    days::{ranges, with, within_fixed},
};

/// Maximum time between receipt and commit of a row, with a margin.
const AROUND: SignedDuration = SignedDuration::from_hours(2);

/// Lag of a follower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lag {
    /// Positions between the cursor and the end of the log; some may be holes.
    pub positions: i64,
    /// Time since `done_at`; zero if the follower caught up.
    pub time: SignedDuration,
    /// Every row committed before this time is processed.
    pub done_at: Timestamp,
    /// Position of the cursor.
    pub position: i64,
}

impl Lag {
    /// Lag of a follower at `position` in a log that ends at `end`.
    pub(super) fn between(position: i64, end: i64, done_at: Timestamp, now: Timestamp) -> Self {
        let positions = (end - position).max(0);
        let (done_at, time) = if positions == 0 {
            (now, SignedDuration::ZERO)
        } else {
            (
                done_at,
                now.duration_since(done_at).max(SignedDuration::ZERO),
            )
        };
        Self {
            positions,
            time,
            done_at,
            position,
        }
    }
}

/// Lag of the follower `name`; `None` if the follower never ran.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn lag(conn: &mut PgConnection, name: &str) -> Result<Option<Lag>, Error> {
    let Some(cursor) = cursor::load(conn, name).await? else {
        return Ok(None);
    };
    let end = ahead(conn, &cursor).await?.end(&cursor);
    let done_at = cursor.caught_up_at.unwrap_or(cursor.began_at);
    Ok(Some(Lag::between(
        cursor.position,
        end,
        done_at,
        cursor.now,
    )))
}

/// Lag of each follower, by name.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn lags(conn: &mut PgConnection) -> Result<Vec<(String, Lag)>, Error> {
    let names = sqlx::query_scalar("SELECT name FROM followers ORDER BY name");
    let names: Vec<String> = names.fetch_all(&mut *conn).await?;
    let mut lags = Vec::with_capacity(names.len());
    for name in names {
        let lag = lag(conn, &name).await?;
        lags.extend(lag.map(|lag| (name, lag)));
    }
    Ok(lags)
}

/// Days with possible rows behind a cursor.
#[derive(Debug)]
pub(super) enum Found {
    /// A few days.
    Near(LogRange),
    /// Many days.
    Far(DayIndex),
}

impl Found {
    /// The next range; `None` if there are no rows.
    pub(super) fn range(&self, cursor: &Cursor) -> Option<LogRange> {
        let range = match self {
            Self::Near(range) => range.clone(),
            Self::Far(index) => index.range(cursor.position),
        };
        (range.end > cursor.position).then_some(range)
    }

    /// Day index for the next turns, if there is one.
    pub(super) fn into_day_index(self) -> Option<DayIndex> {
        match self {
            Self::Near(_) => None,
            Self::Far(index) => Some(index),
        }
    }

    /// End of the log.
    pub(super) fn end(&self, cursor: &Cursor) -> i64 {
        self.range(cursor)
            .map_or(cursor.position, |range| range.end)
    }
}

/// Search from turn to turn: keeps the day index as long as it has rows.
#[derive(Debug, Default)]
pub(super) struct Search {
    index: Option<DayIndex>,
}

impl Search {
    /// Searches all days. Also returns the first position behind the cursor.
    pub(super) async fn from_the_first(
        conn: &mut PgConnection,
        cursor: &Cursor,
    ) -> Result<(Self, Option<i64>), Error> {
        let index = DayIndex::read(conn, cursor, None).await?;
        let first = index.first();
        Ok((Self { index: Some(index) }, first))
    }

    /// The next range of the log; `None` if the cursor is at the end.
    pub(super) async fn next(
        &mut self,
        conn: &mut PgConnection,
        cursor: &Cursor,
    ) -> Result<Option<LogRange>, Error> {
        self.index
            .take_if(|index| index.through() <= cursor.position);
        if let Some(index) = &self.index {
            return Ok(Some(index.range(cursor.position)));
        }
        let found = ahead(conn, cursor).await?;
        let range = found.range(cursor);
        self.index = found.into_day_index();
        Ok(range)
    }
}

/// Searches for rows behind the cursor.
pub(super) async fn ahead(conn: &mut PgConnection, cursor: &Cursor) -> Result<Found, Error> {
    let since = cursor.done_before().map(|at| day(before(at)));
    let near = since.map(|since| days(since, day(after(cursor.now))));
    if let Some(days) = near.filter(|days| days.len() <= DAYS_AT_ONCE) {
        let (end, late) = end_of_log(conn, cursor, &days).await?;
        let days = with(days, late);
        if days.len() <= DAYS_AT_ONCE {
            return Ok(Found::Near(LogRange {
                days,
                through: end,
                end,
                at: cursor.now,
            }));
        }
    }
    Ok(Found::Far(DayIndex::read(conn, cursor, since).await?))
}

/// Reads the last visible position and the late days behind the cursor. One statement reads both
/// from the same snapshot, so no row up to that position is in an unlisted late day.
async fn end_of_log(
    conn: &mut PgConnection,
    cursor: &Cursor,
    days: &[Date],
) -> Result<(i64, Vec<Date>), Error> {
    let ranges = ranges(days);
    let mut query = QueryBuilder::new("SELECT greatest(");
    query.push_bind(cursor.position);
    for max in [
        ", (SELECT max(position) FROM stored_events WHERE position > ",
        ", (SELECT max(position) FROM stored_repeats WHERE position > ",
    ] {
        query.push(max).push_bind(cursor.position);
        within_fixed(&mut query, &ranges);
        query.push(")");
    }
    query.push(", (SELECT max(last_position) FROM late_days)), ");
    query.push("ARRAY(SELECT day FROM late_days WHERE last_position > ");
    query.push_bind(cursor.position).push(")");
    let (end, late): (i64, Vec<jiff_sqlx::Date>) = query.build_query_as().fetch_one(conn).await?;
    Ok((
        end,
        late.into_iter().map(jiff_sqlx::Date::to_jiff).collect(),
    ))
}

/// Days from `first` to `last`. The list is cut at one more than [`DAYS_AT_ONCE`] days: the exact
/// number of many days is not needed.
fn days(first: Date, last: Date) -> Vec<Date> {
    first
        .series(1.day())
        .take_while(|day| *day <= last)
        .take(DAYS_AT_ONCE + 1)
        .collect()
}

pub(super) fn before(at: Timestamp) -> Timestamp {
    at.checked_sub(AROUND).unwrap_or(Timestamp::MIN)
}

pub(super) fn after(at: Timestamp) -> Timestamp {
    at.checked_add(AROUND).unwrap_or(Timestamp::MAX)
}
