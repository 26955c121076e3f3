//! The counts of requests that were not stored.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use serde::Serialize;
use sqlx::{FromRow, Row, postgres::PgRow};

use super::{Conditions, Error, Reader, answer, moment};

/// More reasons than there are.
const REASONS: u32 = 100;

/// Which counts: all that meet every condition that is set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RejectionFilter {
    /// The configured app.
    pub app: Option<String>,
    /// The last one came at this moment or later.
    pub since: Option<Timestamp>,
    /// The hour begins before this moment.
    pub until: Option<Timestamp>,
}

/// Number of requests that were not stored in an hour, for a reason, from a network; serialised, an
/// object with a key for each column.
#[derive(Clone, Debug, Default, Serialize)]
#[expect(
    missing_docs,
    reason = "the comments of the table describe its columns"
)]
pub struct RejectionRow {
    pub hour: Timestamp,
    pub app: String,
    pub reason: String,
    pub prefix: String,
    pub count: i64,
    pub last_at: Timestamp,
}

/// Number of requests that were not stored for a reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectionTotal {
    /// The reason.
    pub reason: String,
    /// The number.
    pub count: i64,
    /// The time of the last one.
    pub last_at: Timestamp,
}

impl Reader {
    /// The totals of all counts that meet `filter`, by reason.
    ///
    /// # Errors
    /// Where Postgres is away or does not answer in time.
    pub async fn rejection_totals(
        &mut self,
        filter: &RejectionFilter,
    ) -> Result<Vec<RejectionTotal>, Error> {
        let mut query = Conditions::after(
            "SELECT reason, sum(count)::bigint AS count, max(last_at) AS last_at
             FROM rejections WHERE",
        );
        filter.apply(&mut query);
        let mut query = query.limit(" GROUP BY reason ORDER BY reason", REASONS);
        answer(query.build_query_as().fetch_all(&mut self.0)).await
    }

    /// The newest counts, at most `limit` of them, oldest first.
    ///
    /// # Errors
    /// Where Postgres is away or does not answer in time.
    pub async fn rejections(
        &mut self,
        filter: &RejectionFilter,
        limit: u32,
    ) -> Result<Vec<RejectionRow>, Error> {
        let mut query = Conditions::after(
            "SELECT hour, app, reason, prefix::text AS prefix, count, last_at
             FROM rejections WHERE",
        );
        filter.apply(&mut query);
        let order = " ORDER BY hour DESC, last_at DESC, app, reason, prefix";
        let mut query = query.limit(order, limit);
        let mut rows: Vec<RejectionRow> =
            answer(query.build_query_as().fetch_all(&mut self.0)).await?;
        rows.reverse();
        Ok(rows)
    }
}

impl RejectionFilter {
    fn apply(&self, query: &mut Conditions) {
        query
            .and("app = ", self.app.clone())
            .and("last_at >= ", self.since.map(ToSqlx::to_sqlx))
            .and("hour < ", self.until.map(ToSqlx::to_sqlx));
    }
}

impl FromRow<'_, PgRow> for RejectionTotal {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            reason: row.try_get("reason")?,
            count: row.try_get("count")?,
            last_at: moment(row, "last_at")?,
        })
    }
}

impl FromRow<'_, PgRow> for RejectionRow {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            hour: moment(row, "hour")?,
            app: row.try_get("app")?,
            reason: row.try_get("reason")?,
            prefix: row.try_get("prefix")?,
            count: row.try_get("count")?,
            last_at: moment(row, "last_at")?,
        })
    }
}
