//! The counts of requests that were not stored.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use serde::Serialize;

use super::{Conditions, Error, Reader, answer, row::row};

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

row! {
    /// Number of requests that were not stored in an hour, for a reason, from a network; serialised,
    /// an object with a key for each column.
    #[derive(Clone, Debug, Default, Serialize)]
    RejectionRow {
        hour: Timestamp,
        app: String,
        reason: String,
        prefix: String = "prefix::text",
        count: i64,
        last_at: Timestamp,
    }
}

row! {
    /// Number of requests that were not stored for a reason, and the time of the last one.
    #[derive(Clone, Debug)]
    RejectionTotal {
        reason: String,
        count: i64 = "sum(count)::bigint",
        last_at: Timestamp = "max(last_at)",
    }
}

impl RejectionFilter {
    /// The columns of the counts that meet it.
    fn select(&self, columns: &str) -> Conditions {
        let mut query = Conditions::after(&format!("SELECT {columns} FROM rejections WHERE"));
        query
            .and("app = ", self.app.clone())
            .and("last_at >= ", self.since.map(ToSqlx::to_sqlx))
            .and("hour < ", self.until.map(ToSqlx::to_sqlx));
        query
    }
}

impl Reader {
    /// The totals of all counts that meet `filter`, by reason.
    pub async fn rejection_totals(
        &mut self,
        filter: &RejectionFilter,
    ) -> Result<Vec<RejectionTotal>, Error> {
        let query = filter.select(RejectionTotal::COLUMNS);
        let mut query = query.limit(" GROUP BY reason ORDER BY reason", REASONS);
        answer(query.build_query_as().fetch_all(&mut self.0)).await
    }

    /// The newest counts, at most `limit` of them, oldest first.
    pub async fn rejections(
        &mut self,
        filter: &RejectionFilter,
        limit: u32,
    ) -> Result<Vec<RejectionRow>, Error> {
        let query = filter.select(RejectionRow::COLUMNS);
        let order = " ORDER BY hour DESC, last_at DESC, app, reason, prefix";
        let mut query = query.limit(order, limit);
        let mut rows: Vec<RejectionRow> =
            answer(query.build_query_as().fetch_all(&mut self.0)).await?;
        rows.reverse();
        Ok(rows)
    }
}
