//! Which day holds which positions: how a follower that is far behind reads day by day, although
//! positions and days need not go together.

use jiff::{Timestamp, civil::Date};
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use super::{
    super::Error,
    cursor::Cursor,
    days::{candidates, day_range},
};

/// How many days are read at once, where their positions do not overlap.
pub(super) const DAYS_AT_ONCE: usize = 3;

/// A part of the log that can be read from these days alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    /// The days that hold all rows up to `through`.
    pub days: Vec<Date>,
    /// Where it ends.
    pub through: i64,
    /// The end of the log, as far as it was known at `at`.
    pub end: i64,
    /// Everything committed before is not behind `end`.
    pub at: Timestamp,
}

/// The positions of the days that have any behind a cursor, up to `end`.
#[derive(Clone, Debug)]
pub(super) struct Chart {
    /// By their first position.
    days: Vec<Extent>,
    end: i64,
    at: Timestamp,
}

/// Where the rows of a day are in the log. What is written into the day later is behind the end of
/// the chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Extent {
    day: Date,
    first: i64,
    last: i64,
}

impl Chart {
    /// Draws a chart of the days from `since` on, and of those that are late. Each statement
    /// touches one day, so that no transaction locks the partitions of years.
    pub(super) async fn draw(
        conn: &mut PgConnection,
        cursor: &Cursor,
        since: Option<Date>,
    ) -> Result<Self, Error> {
        // Whatever is visible now is before the end, and the days are then asked once more: what
        // was committed meanwhile into a day that had been asked already may be before it too.
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

    /// Where it ends.
    pub(super) fn through(&self) -> i64 {
        self.end
    }

    /// The next stretch behind `position`: a few days, and all that overlap there.
    pub(super) fn stretch(&self, position: i64) -> Stretch {
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
        Stretch {
            days,
            through: before_next.min(self.end),
            end: self.end,
            at: self.at,
        }
    }
}

/// The extents of the days that have rows behind the cursor.
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

    fn chart(extents: &[(i8, i64, i64)], end: i64) -> Chart {
        let mut days: Vec<_> = extents
            .iter()
            .map(|&(day, first, last)| Extent {
                day: date(2026, 1, day),
                first,
                last,
            })
            .collect();
        days.sort_unstable_by_key(|extent| extent.first);
        Chart {
            days,
            end,
            at: Timestamp::UNIX_EPOCH,
        }
    }

    /// Each stretch from 0 to the end of the chart: its days and where it ends.
    fn walk(chart: &Chart) -> Vec<(Vec<i8>, i64)> {
        let mut position = 0;
        let mut walked = Vec::new();
        while position < chart.through() {
            let stretch = chart.stretch(position);
            assert!(stretch.through > position, "it comes forward: {walked:?}");
            position = stretch.through;
            walked.push((stretch.days.iter().map(|day| day.day()).collect(), position));
        }
        walked
    }

    #[test]
    fn days_in_order_are_read_a_few_at_a_time() {
        let chart = chart(
            &[
                (1, 1, 10),
                (2, 11, 20),
                (3, 21, 30),
                (4, 31, 40),
                (5, 41, 45),
            ],
            45,
        );
        assert_eq!(walk(&chart), [(vec![1, 2, 3], 30), (vec![4, 5], 45)]);
    }

    #[test]
    fn days_that_overlap_are_read_together() {
        let all: Vec<_> = (1..=9).map(|day| (day, i64::from(day), 100)).collect();
        let walked = walk(&chart(&all, 100));
        assert_eq!(walked.last(), Some(&((1..=9).collect(), 100)));
    }

    #[test]
    fn a_late_row_keeps_its_day_open_and_no_other() {
        let chart = chart(
            &[
                (1, 1, 99),
                (2, 11, 20),
                (3, 21, 30),
                (4, 31, 40),
                (5, 41, 90),
            ],
            99,
        );
        assert_eq!(walk(&chart), [(vec![1, 2, 3], 30), (vec![1, 4, 5], 99)]);
    }

    #[test]
    fn what_came_after_the_chart_was_drawn_is_left_to_the_next() {
        let chart = chart(&[(1, 1, 10), (2, 11, 500)], 20);
        assert_eq!(walk(&chart), [(vec![1, 2], 20)]);
    }
}
