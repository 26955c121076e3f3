//! Day index: the range of positions of each day. A follower that is far behind reads the log day
//! by day with this index. The order of days may differ from the order of positions.

use jiff::{Timestamp, civil::Date};
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use super::{
    super::Error,
    cursor::Cursor,
    days::{candidates, day_range},
};

/// Number of days in a range, unless the positions of more days overlap.
pub(super) const DAYS_AT_ONCE: usize = 3;

/// Part of the log with all rows in a few days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LogRange {
    /// Days of all rows up to `through`.
    pub days: Vec<Date>,
    /// Last position of the range.
    pub through: i64,
    /// End of the log, as known at `at`.
    pub end: i64,
    /// Every row committed before this time has a position up to `end`.
    pub at: Timestamp,
}

/// Positions of the days with rows behind a cursor, up to `end`.
#[derive(Clone, Debug)]
pub(super) struct DayIndex {
    /// Days, ordered by their first position.
    days: Vec<Extent>,
    end: i64,
    at: Timestamp,
}

/// Range of positions of a day's rows. Rows written into the day later are behind the end of the
/// index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Extent {
    day: Date,
    first: i64,
    last: i64,
}

impl DayIndex {
    /// Reads the late days and the days from `since` on. Each statement reads one day, so that no
    /// transaction locks the partitions of years.
    pub(super) async fn read(
        conn: &mut PgConnection,
        cursor: &Cursor,
        since: Option<Date>,
    ) -> Result<Self, Error> {
        // The first pass finds the end: every visible row is before the end. During the first pass,
        // a row may be committed to a day already read, and may be before the end too. A second
        // pass finds such rows.
        let seen = extents(conn, cursor, since).await?;
        let end = seen.iter().map(|extent| extent.last).max();
        let mut days = match end {
            Some(_) => extents(conn, cursor, since).await?,
            None => Vec::new(),
        };
        days.sort_unstable_by_key(|extent| extent.first);
        Ok(Self {
            days,
            end: end.unwrap_or(cursor.position),
            at: cursor.now,
        })
    }

    /// First position of the day index.
    pub(super) fn first(&self) -> Option<i64> {
        self.days.first().map(|extent| extent.first)
    }

    /// Last position of the day index.
    pub(super) fn through(&self) -> i64 {
        self.end
    }

    /// The next range behind `position`: up to [`DAYS_AT_ONCE`] days, and further days only if
    /// their first position is also at or before the next position.
    pub(super) fn range(&self, position: i64) -> LogRange {
        let mut ahead = self
            .days
            .iter()
            .filter(|extent| extent.last > position)
            .peekable();
        let mut days = Vec::new();
        while let Some(extent) =
            ahead.next_if(|next| days.len() < DAYS_AT_ONCE || next.first <= position + 1)
        {
            days.push(extent.day);
        }
        let before_next = ahead.peek().map_or(self.end, |next| next.first - 1);
        LogRange {
            days,
            through: before_next.min(self.end),
            end: self.end,
            at: self.at,
        }
    }
}

/// Reads the extents of the days with rows behind the cursor.
async fn extents(
    conn: &mut PgConnection,
    cursor: &Cursor,
    since: Option<Date>,
) -> Result<Vec<Extent>, Error> {
    let mut extents = Vec::new();
    for day in candidates(conn, cursor, since).await? {
        extents.extend(extent(conn, day, cursor.position).await?);
    }
    Ok(extents)
}

async fn extent(
    conn: &mut PgConnection,
    day: Date,
    position: i64,
) -> Result<Option<Extent>, Error> {
    let (from, to) = day_range(day);
    let found: (Option<i64>, Option<i64>) = sqlx::query_as(
        "SELECT min(first), max(last) FROM (
             SELECT min(position) AS first, max(position) AS last FROM stored_events
             WHERE received_at >= $1 AND received_at < $2 AND position > $3
             UNION ALL
             SELECT min(position), max(position) FROM stored_repeats
             WHERE received_at >= $1 AND received_at < $2 AND position > $3
         ) AS found",
    )
    .bind(from.to_sqlx())
    .bind(to.to_sqlx())
    .bind(position)
    .fetch_one(conn)
    .await?;
    Ok(match found {
        (Some(first), Some(last)) => Some(Extent { day, first, last }),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn index(extents: &[(i8, i64, i64)], end: i64) -> DayIndex {
        let mut days: Vec<_> = extents
            .iter()
            .map(|&(day, first, last)| Extent {
                day: date(2026, 1, day),
                first,
                last,
            })
            .collect();
        days.sort_unstable_by_key(|extent| extent.first);
        DayIndex {
            days,
            end,
            at: Timestamp::UNIX_EPOCH,
        }
    }

    /// Days and last position of each range, from 0 to the end of the day index.
    fn walk(index: &DayIndex) -> Vec<(Vec<i8>, i64)> {
        let mut position = 0;
        let mut walked = Vec::new();
        while position < index.through() {
            let range = index.range(position);
            assert!(range.through > position, "it comes forward: {walked:?}");
            position = range.through;
            walked.push((range.days.iter().map(|day| day.day()).collect(), position));
        }
        walked
    }

    #[test]
    fn days_in_order_are_read_a_few_at_a_time() {
        let index = index(
            &[
                (1, 1, 10),
                (2, 11, 20),
                (3, 21, 30),
                (4, 31, 40),
                (5, 41, 45),
            ],
            45,
        );
        assert_eq!(walk(&index), [(vec![1, 2, 3], 30), (vec![4, 5], 45)]);
    }

    #[test]
    fn days_that_overlap_are_read_together() {
        let all: Vec<_> = (1..=9).map(|day| (day, i64::from(day), 100)).collect();
        let walked = walk(&index(&all, 100));
        assert_eq!(walked.last(), Some(&((1..=9).collect(), 100)));
    }

    #[test]
    fn a_late_row_keeps_its_day_open_and_no_other() {
        let index = index(
            &[
                (1, 1, 99),
                (2, 11, 20),
                (3, 21, 30),
                (4, 31, 40),
                (5, 41, 90),
            ],
            99,
        );
        assert_eq!(walk(&index), [(vec![1, 2, 3], 30), (vec![1, 4, 5], 99)]);
    }

    #[test]
    fn what_came_after_the_index_was_read_is_left_to_the_next() {
        let index = index(&[(1, 1, 10), (2, 11, 500)], 20);
        assert_eq!(walk(&index), [(vec![1, 2], 20)]);
    }
}
