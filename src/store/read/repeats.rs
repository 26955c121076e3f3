//! Repeats as rows: items whose event was stored already.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::{FromRow, Row, postgres::PgRow, types::Json};
use uuid::Uuid;

use super::{Conditions, Error, Reader, answer, moment};

/// A repeat as it is stored; serialised, an object with a key for each column.
#[derive(Clone, Debug, Serialize)]
#[expect(
    missing_docs,
    reason = "the comments of the table describe its columns"
)]
pub struct RepeatRow {
    pub position: i64,
    /// The position of the event that it repeats, also after a purge gave it another.
    pub event_position: Option<i64>,
    pub delivery_id: Uuid,
    pub received_at: Timestamp,
    pub app: String,
    pub kind: String,
    pub account_id: Option<String>,
    pub source: String,
    pub dedupe_key: Uuid,
    pub payload: Option<Box<RawValue>>,
}

/// The position of the event that a row of `repeats`, called `r`, repeats: by its key as long as
/// that is known, for a purge may give an event another position.
macro_rules! event_position {
    () => {
        "coalesce((SELECT d.position FROM dedupe AS d WHERE d.key = r.dedupe_key
                   ORDER BY d.epoch DESC LIMIT 1), r.event_position)"
    };
}
pub(super) use event_position;

const SELECT: &str = concat!(
    "SELECT r.position, r.delivery_id, r.received_at, r.app, r.kind, r.account_id, r.source,
        r.dedupe_key, r.payload, ",
    event_position!(),
    " AS event_position FROM repeats AS r WHERE"
);

impl Reader {
    /// The repeat at `position`.
    ///
    /// # Errors
    /// Postgres is away or does not answer in time.
    pub async fn repeat(&mut self, position: i64) -> Result<Option<RepeatRow>, Error> {
        let mut query = Conditions::after(SELECT);
        query.and("r.position = ", Some(position));
        let mut query = query.limit("", 1);
        answer(query.build_query_as().fetch_optional(&mut self.0)).await
    }
}

impl FromRow<'_, PgRow> for RepeatRow {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let payload: Option<Json<Box<RawValue>>> = row.try_get("payload")?;
        Ok(Self {
            position: row.try_get("position")?,
            event_position: row.try_get("event_position")?,
            delivery_id: row.try_get("delivery_id")?,
            received_at: moment(row, "received_at")?,
            app: row.try_get("app")?,
            kind: row.try_get("kind")?,
            account_id: row.try_get("account_id")?,
            source: row.try_get("source")?,
            dedupe_key: row.try_get("dedupe_key")?,
            payload: payload.map(|Json(payload)| payload),
        })
    }
}
