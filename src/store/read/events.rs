//! Events as rows: in the order of positions, or one by its position.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::{FromRow, Row, postgres::PgRow, types::Json};
use uuid::Uuid;

use super::{Conditions, Error, Reader, answer, moment, moment_or_null, search};
use crate::meta::event::{Kind, Source};

/// Which events: all that meet every condition that is set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventFilter {
    /// The kinds; empty for any.
    pub kinds: Vec<Kind>,
    /// The sources of the deliveries; empty for any.
    pub sources: Vec<Source>,
    /// The subscription field.
    pub field: Option<String>,
    /// The configured app.
    pub app: Option<String>,
    /// The professional account.
    pub account_id: Option<String>,
    /// The other party.
    pub person_id: Option<String>,
    /// The user name of the other party, in upper or lower case.
    pub username: Option<String>,
    /// Stands somewhere in what was written, in upper or lower case.
    pub text: Option<String>,
    /// Received at this moment or later.
    pub since: Option<Timestamp>,
    /// Received before this moment.
    pub until: Option<Timestamp>,
}

/// An event as it is stored; serialised, an object with a key for each column.
#[derive(Clone, Debug, Default, Serialize)]
#[expect(
    missing_docs,
    reason = "the comments of the table describe its columns"
)]
pub struct EventRow {
    pub position: i64,
    pub delivery_id: Uuid,
    pub received_at: Timestamp,
    pub occurred_at: Option<Timestamp>,
    pub occurred_at_source: String,
    pub app: String,
    pub object: Option<String>,
    pub field: Option<String>,
    pub kind: String,
    pub channel: String,
    pub account_id: Option<String>,
    pub person_id: Option<String>,
    pub sender_id: Option<String>,
    pub recipient_id: Option<String>,
    pub username: Option<String>,
    pub message_id: Option<String>,
    pub comment_id: Option<String>,
    pub media_id: Option<String>,
    pub parent_id: Option<String>,
    pub text: Option<String>,
    pub is_echo: bool,
    pub is_self: bool,
    pub payload: Option<Box<RawValue>>,
    pub problem: Option<String>,
    pub source: String,
    pub dedupe_key: Uuid,
    pub erased_at: Option<Timestamp>,
}

/// All columns of events; conditions follow.
pub(in crate::store) const EVENTS: &str =
    "SELECT position, delivery_id, received_at, occurred_at, occurred_at_source,
        app, object, field, kind, channel, account_id, person_id, sender_id, recipient_id,
        username, message_id, comment_id, media_id, parent_id, text, is_echo, is_self, payload,
        problem, source, dedupe_key, erased_at
    FROM events WHERE";

impl Reader {
    /// The event at `position`.
    ///
    /// # Errors
    /// Where Postgres is away or does not answer in time.
    pub async fn event(&mut self, position: i64) -> Result<Option<EventRow>, Error> {
        let mut query = Conditions::after(EVENTS);
        query.and("position = ", Some(position));
        let mut query = query.limit("", 1);
        answer(query.build_query_as().fetch_optional(&mut self.0)).await
    }

    /// The first events after `position`, at most `limit` of them, oldest first.
    ///
    /// # Errors
    /// As [`event`](Self::event).
    pub async fn events_after(
        &mut self,
        filter: &EventFilter,
        position: i64,
        limit: u32,
    ) -> Result<Vec<EventRow>, Error> {
        let mut query = Conditions::after(EVENTS);
        filter.apply(&mut query);
        query.and("position > ", Some(position));
        let mut query = query.limit(" ORDER BY position", limit);
        answer(query.build_query_as().fetch_all(&mut self.0)).await
    }

    /// The position of the oldest of the newest `limit` events; none where there is no event.
    ///
    /// # Errors
    /// As [`event`](Self::event).
    pub async fn newest_events_begin(
        &mut self,
        filter: &EventFilter,
        limit: u32,
    ) -> Result<Option<i64>, Error> {
        let mut query =
            Conditions::after("SELECT min(position) FROM (SELECT position FROM events WHERE");
        filter.apply(&mut query);
        let mut query = query.limit(" ORDER BY position DESC", limit);
        query.push(") AS newest");
        answer(query.build_query_scalar().fetch_one(&mut self.0)).await
    }
}

impl EventFilter {
    fn apply(&self, query: &mut Conditions) {
        query
            .among("kind", self.kinds.iter().map(|it| it.as_str()).collect())
            .among(
                "source",
                self.sources.iter().map(|it| it.as_str()).collect(),
            )
            .and("field = ", self.field.clone())
            .and("app = ", self.app.clone())
            .and("account_id = ", self.account_id.clone())
            .and("person_id = ", self.person_id.clone())
            // User names are ASCII.
            .and(
                "lower(username) = ",
                self.username.as_deref().map(str::to_ascii_lowercase),
            )
            .and("text ~ ", self.text.as_deref().map(search::containing))
            .received(self.since, self.until);
    }
}

impl FromRow<'_, PgRow> for EventRow {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let payload: Option<Json<Box<RawValue>>> = row.try_get("payload")?;
        Ok(Self {
            position: row.try_get("position")?,
            delivery_id: row.try_get("delivery_id")?,
            received_at: moment(row, "received_at")?,
            occurred_at: moment_or_null(row, "occurred_at")?,
            occurred_at_source: row.try_get("occurred_at_source")?,
            app: row.try_get("app")?,
            object: row.try_get("object")?,
            field: row.try_get("field")?,
            kind: row.try_get("kind")?,
            channel: row.try_get("channel")?,
            account_id: row.try_get("account_id")?,
            person_id: row.try_get("person_id")?,
            sender_id: row.try_get("sender_id")?,
            recipient_id: row.try_get("recipient_id")?,
            username: row.try_get("username")?,
            message_id: row.try_get("message_id")?,
            comment_id: row.try_get("comment_id")?,
            media_id: row.try_get("media_id")?,
            parent_id: row.try_get("parent_id")?,
            text: row.try_get("text")?,
            is_echo: row.try_get("is_echo")?,
            is_self: row.try_get("is_self")?,
            payload: payload.map(|Json(payload)| payload),
            problem: row.try_get("problem")?,
            source: row.try_get("source")?,
            dedupe_key: row.try_get("dedupe_key")?,
            erased_at: moment_or_null(row, "erased_at")?,
        })
    }
}
