//! What a consumer is handed: a stretch of the log that it reads with statements of its own.

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use jiff_sqlx::ToSqlx;
use sqlx::{PgConnection, Postgres, QueryBuilder};

use super::{super::Error, chart::Stretch, cursor::Cursor};
use crate::store::read::{self, EventRow};

/// The events and repeats behind one position, up to and with another.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Where the one before ended.
    pub after: i64,
    /// Where this one ends.
    pub through: i64,
    /// When its rows were received: from, and before. No other row is in these positions.
    received: Vec<(Timestamp, Timestamp)>,
}

impl Batch {
    /// The first `limit` rows of `stretch` behind the cursor, and how many there are. With fewer
    /// it goes as far as the stretch.
    pub(super) async fn first_of(
        conn: &mut PgConnection,
        cursor: &Cursor,
        stretch: &Stretch,
        limit: u32,
    ) -> Result<(Self, i64), Error> {
        let mut batch = Self::of(cursor, stretch);
        let limit = i64::from(limit);
        let (count, last) = batch.measure(conn, limit).await?;
        if let Some(last) = last.filter(|_| count == limit) {
            batch.through = last;
        }
        Ok((batch, count))
    }

    /// All of a stretch.
    pub(super) fn of(cursor: &Cursor, stretch: &Stretch) -> Self {
        Self {
            after: cursor.position,
            through: stretch.through,
            received: ranges(&stretch.days),
        }
    }

    /// How many of the first `limit` rows there are, and where the last of them is.
    async fn measure(
        &self,
        conn: &mut PgConnection,
        limit: i64,
    ) -> Result<(i64, Option<i64>), Error> {
        let mut query =
            QueryBuilder::new("SELECT count(*), max(position) FROM (SELECT position FROM (");
        for table in [
            "(SELECT position FROM stored_events WHERE",
            " UNION ALL (SELECT position FROM stored_repeats WHERE",
        ] {
            query.push(table);
            self.restrict(&mut query);
            query
                .push(" ORDER BY position LIMIT ")
                .push_bind(limit)
                .push(")");
        }
        query.push(") AS log ORDER BY position LIMIT ");
        query.push_bind(limit).push(") AS head");
        Ok(query.build_query_as().fetch_one(conn).await?)
    }

    /// Adds the condition that a row of `events` or `repeats` belongs to the batch, behind WHERE.
    pub(in crate::store) fn restrict(&self, query: &mut QueryBuilder<Postgres>) {
        query.push(" position > ").push_bind(self.after);
        query.push(" AND position <= ").push_bind(self.through);
        within(query, &self.received);
    }

    /// Its events with all their columns, in order.
    ///
    /// # Errors
    /// Where Postgres is away.
    pub async fn events(&self, conn: &mut PgConnection) -> Result<Vec<EventRow>, Error> {
        let mut query = QueryBuilder::new(read::events_where());
        self.restrict(&mut query);
        query.push(" ORDER BY position");
        Ok(query.build_query_as().fetch_all(conn).await?)
    }
}

/// Adds the condition that a row was received in one of `ranges`. The values stand in the
/// statement's parameters, which the planner knows in a session that plans anew: partitions outside
/// are not even locked.
pub(in crate::store) fn within(
    query: &mut QueryBuilder<Postgres>,
    ranges: &[(Timestamp, Timestamp)],
) {
    query.push(" AND (false");
    for (from, to) in ranges {
        query.push(" OR received_at >= ").push_bind(from.to_sqlx());
        query.push(" AND received_at < ").push_bind(to.to_sqlx());
    }
    query.push(")");
}

/// The days as ranges of time; neighbours are one.
pub(in crate::store) fn ranges(days: &[Date]) -> Vec<(Timestamp, Timestamp)> {
    let mut days = days.to_vec();
    days.sort_unstable();
    days.dedup();
    let mut ranges: Vec<(Timestamp, Timestamp)> = Vec::new();
    for day in days {
        let (from, to) = day_range(day);
        match ranges.last_mut() {
            Some(last) if last.1 == from => last.1 = to,
            _ => ranges.push((from, to)),
        }
    }
    ranges
}

/// When a day (UTC) begins, and when the next one does.
pub(in crate::store) fn day_range(day: Date) -> (Timestamp, Timestamp) {
    (midnight(day), midnight(day.saturating_add(1.day())))
}

fn midnight(day: Date) -> Timestamp {
    TimeZone::UTC
        .to_timestamp(day.at(0, 0, 0, 0))
        .unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn neighbouring_days_are_one_range() {
        let days = [
            date(2026, 11, 21),
            date(2026, 3, 1),
            date(2026, 11, 20),
            date(2026, 3, 1),
        ];
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(
            ranges(&days),
            [
                (at("2026-03-01T00:00:00Z"), at("2026-03-02T00:00:00Z")),
                (at("2026-11-20T00:00:00Z"), at("2026-11-22T00:00:00Z")),
            ]
        );
    }
}
