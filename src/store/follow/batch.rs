//! What a consumer is handed: a stretch of the log that it reads with statements of its own.

use jiff::Timestamp;
use sqlx::{PgConnection, Postgres, QueryBuilder};

use super::{
    super::Error,
    chart::Stretch,
    cursor::Cursor,
    days::{ranges, within},
};

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
}
