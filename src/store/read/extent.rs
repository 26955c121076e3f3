//! Extents of lists: the number of their rows, and their first and last time.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Conditions, Error, Reader, answer, json};

/// Extent of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Extent {
    /// Maximum number of rows; `None` if counting would read the whole list.
    pub rows_at_most: Option<i64>,
    /// Time of the first row.
    #[serde(serialize_with = "json::text")]
    pub first: Option<Timestamp>,
    /// Time of the last row.
    #[serde(serialize_with = "json::text")]
    pub last: Option<Timestamp>,
}

/// Begins a statement that counts rows; `first` and `last` are expressions, and `from` ends in WHERE.
pub(super) fn counting(first: &str, last: &str, from: &str) -> Conditions {
    Conditions::after(&format!("SELECT count(*), min({first}), max({last}){from}"))
}

impl Reader {
    /// Runs a statement of [`counting`].
    pub(super) async fn count(&mut self, mut query: Conditions) -> Result<Extent, Error> {
        let counted = query.0.build_query_as().fetch_one(&mut *self.conn);
        let (rows, first, last): (
            i64,
            Option<jiff_sqlx::Timestamp>,
            Option<jiff_sqlx::Timestamp>,
        ) = answer(counted).await?;
        Ok(Extent {
            rows_at_most: Some(rows),
            first: first.map(jiff_sqlx::Timestamp::to_jiff),
            last: last.map(jiff_sqlx::Timestamp::to_jiff),
        })
    }
}
