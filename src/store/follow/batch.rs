//! Batch: a range of the log. The consumer reads the rows with its own statements.

use jiff::Timestamp;
use sqlx::{PgConnection, Postgres, QueryBuilder};

use super::{
    super::Error,
    cursor::Cursor,
    day_index::LogRange,
    days::{ranges, within_fixed},
};

/// Events and repeats in a range of positions.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Start of the range, exclusive: the end of the batch before.
    pub after: i64,
    /// End of the range, inclusive.
    pub through: i64,
    /// Ranges of `received_at`: start inclusive, end exclusive. The ranges cover all rows.
    received: Vec<(Timestamp, Timestamp)>,
}

impl Batch {
    /// Builds a batch of the first `limit` rows of `range` behind the cursor, and counts the
    /// rows. With fewer rows, the batch ends with the range.
    pub(super) async fn first_of(
        conn: &mut PgConnection,
        cursor: &Cursor,
        range: &LogRange,
        limit: u32,
    ) -> Result<(Self, i64), Error> {
        let mut batch = Self::of(cursor, range);
        let limit = i64::from(limit);
        let (count, last) = batch.measure(conn, limit).await?;
        if let Some(last) = last.filter(|_| count == limit) {
            batch.through = last;
        }
        Ok((batch, count))
    }

    /// Builds a batch of the whole range.
    pub(super) fn of(cursor: &Cursor, range: &LogRange) -> Self {
        Self {
            after: cursor.position,
            through: range.through,
            received: ranges(&range.days),
        }
    }

    /// Counts the first `limit` rows, and finds the last position among these rows.
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

    /// Restricts a query on `events` or `repeats` to the rows of the batch. The query ends with
    /// WHERE.
    pub(in crate::store) fn restrict(&self, query: &mut QueryBuilder<Postgres>) {
        query.push(" position > ").push_bind(self.after);
        query.push(" AND position <= ").push_bind(self.through);
        within_fixed(query, &self.received);
    }
}
