//! Rows of repeats: items of already stored events.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{Conditions, Error, Reader, answer, row::row};

row! {
    /// Stored repeat; serialised as an object with a key for each column. `event_position` is the
    /// current position of the event, even after a purge changed the position.
    #[derive(Clone, Debug, Serialize)]
    RepeatRow {
        position: i64,
        event_position: Option<i64>,
        delivery_id: Uuid,
        received_at: Timestamp,
        app: String,
        kind: String,
        account_id: Option<String>,
        source: String,
        dedupe_key: Uuid,
        payload: Option<Box<RawValue>>,
    }
}

impl Reader {
    /// Reads the repeat at `position`.
    pub async fn repeat(&mut self, position: i64) -> Result<Option<RepeatRow>, Error> {
        let select = format!("SELECT {} FROM repeats WHERE", RepeatRow::columns());
        let mut query = Conditions::after(&select);
        query.and("position = ", Some(position));
        let mut query = query.limit("", 1);
        answer(query.build_query_as().fetch_optional(&mut self.0)).await
    }
}
