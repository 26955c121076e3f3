//! Rows of repeats: items of already stored events.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{
    Conditions, Error, Reader, answer, json,
    payload::{self, Unread},
    row::row,
};
use crate::meta::event::{Kind, Problem, Source};

row! {
    /// Stored repeat; serialised as an object with a key for each column. `event_position` is the
    /// current position of the event, even after a purge changed the position.
    #[derive(Clone, Debug, Serialize, JsonSchema)]
    #[schemars(rename = "Repeat")]
    RepeatRow {
        #[serde(serialize_with = "json::text")]
        #[schemars(with = "json::Digits")]
        position: i64,
        #[serde(serialize_with = "json::text")]
        #[schemars(with = "Option<json::Digits>")]
        event_position: Option<i64>,
        delivery_id: Uuid,
        #[serde(serialize_with = "json::text")]
        received_at: Timestamp,
        app: String,
        #[schemars(with = "Kind")]
        kind: String,
        account_id: Option<String>,
        #[schemars(with = "Source")]
        source: String,
        dedupe_key: Uuid,
        item_start: i32,
        item_length: i32,
        payload: Option<Box<RawValue>> = "NULL::json",
        #[schemars(with = "Option<Problem>")]
        problem: Option<String>,
    }
}

impl RepeatRow {
    /// Payload of the row, to be read.
    fn unread(&mut self) -> Unread<'_> {
        Unread {
            position: self.position,
            delivery_id: self.delivery_id,
            received_at: self.received_at,
            start: self.item_start,
            length: self.item_length,
            problem: self.problem.as_deref(),
            payload: &mut self.payload,
        }
    }
}

impl Reader {
    /// Reads the repeat at `position`.
    pub async fn repeat(&mut self, position: i64) -> Result<Option<RepeatRow>, Error> {
        let of_position = |query: &mut Conditions| {
            query.and("position = ", Some(position));
        };
        let Some([since, until]) = self.times("repeats", of_position).await? else {
            return Ok(None);
        };
        let found = self.repeats(
            |query| {
                of_position(query);
                query.received(Some(since), Some(until));
            },
            1,
        );
        Ok(found.await?.pop())
    }

    /// Reads at most `limit` repeats that meet `conditions`, in order of position.
    pub(super) async fn repeats(
        &mut self,
        conditions: impl FnOnce(&mut Conditions),
        limit: u32,
    ) -> Result<Vec<RepeatRow>, Error> {
        let select = format!("SELECT {} FROM repeats WHERE", RepeatRow::columns());
        let mut query = Conditions::after(&select);
        conditions(query.visible(&self.visible));
        let mut query = query.limit(" ORDER BY position", limit);
        let mut repeats: Vec<RepeatRow> =
            answer(query.build_query_as().fetch_all(&mut *self.conn)).await?;
        let unread = repeats.iter_mut().map(RepeatRow::unread);
        answer(payload::read(&mut self.conn, unread)).await?;
        Ok(repeats)
    }
}
