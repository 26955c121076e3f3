//! Counts of requests that were not stored.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Conditions, Error, Reader, Visible, answer,
    extent::{Extent, counting},
    json,
    row::row,
};
use crate::store::callbacks::{self, Seen};

/// Limit above the number of reasons.
const REASONS: u32 = 100;

/// Filter for counts: combines the set fields with AND.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RejectionFilter {
    /// The configured app.
    pub app: Option<String>,
    /// Last request at this moment or later.
    pub since: Option<Timestamp>,
    /// Start of the hour before this moment.
    pub until: Option<Timestamp>,
}

row! {
    /// Number of requests that were not stored, by hour, reason and network; serialised as an
    /// object with a key for each column.
    #[derive(Clone, Debug, Default, Serialize, JsonSchema)]
    #[schemars(rename = "RejectionCount")]
    RejectionRow {
        #[serde(serialize_with = "json::text")]
        hour: Timestamp,
        app: String,
        reason: String,
        prefix: String = "prefix::text",
        count: i64,
        #[serde(serialize_with = "json::text")]
        last_at: Timestamp,
        proxy_header: Option<String>,
    }
}

row! {
    /// Number of requests that were not stored, for one reason, and the time of the last request.
    #[derive(Clone, Debug, Serialize, JsonSchema)]
    RejectionTotal {
        reason: String,
        count: i64 = "sum(count)::bigint",
        #[serde(serialize_with = "json::text")]
        last_at: Timestamp = "max(last_at)",
    }
}

impl RejectionFilter {
    /// Selects `columns` of the counts that meet the filter.
    fn select(&self, columns: &str, visible: &Visible) -> Conditions {
        let mut query = Conditions::after(&format!("SELECT {columns} FROM rejections WHERE"));
        self.apply(&mut query, visible);
        query
    }

    fn apply(&self, query: &mut Conditions, visible: &Visible) {
        query
            .visible_without_account(visible)
            .and("app = ", self.app.clone())
            .and("last_at >= ", self.since.map(ToSqlx::to_sqlx))
            .and("hour < ", self.until.map(ToSqlx::to_sqlx));
    }
}

impl Reader {
    /// Reads the totals by reason of all counts that meet `filter`.
    pub async fn rejection_totals(
        &mut self,
        filter: &RejectionFilter,
    ) -> Result<Vec<RejectionTotal>, Error> {
        let query = filter.select(&RejectionTotal::columns(), &self.visible);
        let mut query = query.limit(" GROUP BY reason ORDER BY reason", REASONS);
        answer(query.build_query_as().fetch_all(&mut *self.conn)).await
    }

    /// Reads the last requests at each callback URL.
    pub async fn callbacks(&mut self) -> Result<Vec<Seen>, Error> {
        callbacks::all(&mut self.conn).await
    }

    /// Reads the newest counts, at most `limit`, oldest first.
    pub async fn rejections(
        &mut self,
        filter: &RejectionFilter,
        limit: u32,
    ) -> Result<Vec<RejectionRow>, Error> {
        let query = filter.select(&RejectionRow::columns(), &self.visible);
        let order = " ORDER BY hour DESC, last_at DESC, app, reason, prefix";
        let mut query = query.limit(order, limit);
        let mut rows: Vec<RejectionRow> =
            answer(query.build_query_as().fetch_all(&mut *self.conn)).await?;
        rows.reverse();
        Ok(rows)
    }

    /// Reads at most `limit` counts behind the count `after`, in order of their hours.
    pub async fn rejections_after(
        &mut self,
        filter: &RejectionFilter,
        after: Option<&RejectionRow>,
        limit: u32,
    ) -> Result<Vec<RejectionRow>, Error> {
        let mut query = filter.select(&RejectionRow::columns(), &self.visible);
        if let Some(after) = after {
            query.0.push(" AND (hour, app, reason, prefix) > (");
            query.0.push_bind(after.hour.to_sqlx()).push(", ");
            query.0.push_bind(after.app.clone()).push(", ");
            query.0.push_bind(after.reason.clone()).push(", ");
            query.0.push_bind(after.prefix.clone()).push("::cidr)");
        }
        let mut query = query.limit(" ORDER BY hour, app, reason, rejections.prefix", limit);
        answer(query.build_query_as().fetch_all(&mut *self.conn)).await
    }

    /// Counts the rows that meet `filter`.
    pub async fn extent_of_rejections(
        &mut self,
        filter: &RejectionFilter,
    ) -> Result<Extent, Error> {
        let mut query = counting("hour", "last_at", " FROM rejections WHERE");
        filter.apply(&mut query, &self.visible);
        self.count(query).await
    }
}
