//! Rows of gaps: times in which deliveries were missed or late.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Conditions, Error, Reader, answer, json, row::row};
use crate::store::gaps::GapCause;

/// Maximum number of gaps beside other data.
pub const MOST_GAPS: u32 = 1000;

/// Filter for gaps: combines the set fields with AND.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GapFilter {
    /// The configured app.
    pub app: Option<String>,
    /// Causes; empty for any.
    pub causes: Vec<GapCause>,
    /// Gaps that were open at this moment or later.
    pub since: Option<Timestamp>,
    /// Gaps that opened before this moment.
    pub until: Option<Timestamp>,
}

row! {
    /// Gap in the deliveries of an app; serialised as an object with a key for each column.
    #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
    #[schemars(rename = "Gap")]
    GapRow {
        app: String,
        #[schemars(with = "GapCause")]
        cause: String,
        #[serde(serialize_with = "json::text")]
        opened_at: Timestamp,
        #[serde(serialize_with = "json::text")]
        closed_at: Option<Timestamp>,
    }
}

impl Reader {
    /// Reads the newest gaps, at most `limit`, oldest first.
    pub async fn gaps(&mut self, filter: &GapFilter, limit: u32) -> Result<Vec<GapRow>, Error> {
        let select = format!("SELECT {} FROM gaps WHERE", GapRow::columns());
        let mut query = Conditions::after(&select);
        query
            .visible_app_of_account(&self.visible)
            .and("app = ", filter.app.clone())
            .among("cause", &filter.causes, GapCause::as_str)
            .and(
                "coalesce(closed_at, 'infinity') >= ",
                filter.since.map(ToSqlx::to_sqlx),
            )
            .and("opened_at < ", filter.until.map(ToSqlx::to_sqlx));
        let mut query = query.limit(" ORDER BY opened_at DESC, app, cause", limit);
        let mut rows: Vec<GapRow> =
            answer(query.build_query_as().fetch_all(&mut *self.conn)).await?;
        rows.reverse();
        Ok(rows)
    }
}
