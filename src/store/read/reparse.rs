//! Items of stored events, to be read again by the present parser.

use jiff::Timestamp;
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Conditions, EventFilter, answer, json, row::row};
use crate::store::Error;

row! {
    /// Place of an event's item, and the result of its first reading.
    #[derive(Clone, Debug, Serialize)]
    ItemRow {
        position: i64,
        #[serde(serialize_with = "json::text")]
        received_at: Timestamp,
        delivery_id: Uuid,
        dedupe_key: Uuid,
        app: String,
        kind: String,
        problem: Option<String>,
        item_start: i32,
        item_length: i32,
    }
}

/// Reads the items of at most `limit` events of a filter after the position `after`, received from
/// `from` until before `to`, in order of position. Without kinds, a problem or positions in the
/// filter: events of kind `unknown` and events with a problem. Erased events are left out.
///
/// # Errors
/// If Postgres is unavailable.
pub(in crate::store) async fn items_to_read(
    conn: &mut PgConnection,
    filter: &EventFilter,
    (from, to): (Timestamp, Timestamp),
    after: i64,
    limit: u32,
) -> Result<Vec<ItemRow>, Error> {
    let select = format!("SELECT {} FROM events WHERE", ItemRow::columns());
    let mut query = Conditions::after(&select);
    filter.apply(&mut query);
    query
        .received(Some(from), Some(to))
        .and("position > ", Some(after));
    if filter.kinds.is_empty() && filter.problem.is_none() && filter.positions.is_empty() {
        query
            .0
            .push(" AND (kind = 'unknown' OR problem IS NOT NULL)");
    }
    query.0.push(" AND erased_at IS NULL");
    let mut query = query.limit(" ORDER BY position", limit);
    answer(query.build_query_as().fetch_all(conn)).await
}
