//! Rows of events: a list in order of position, or one event by its position.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sqlx::{PgConnection, QueryBuilder};
use uuid::Uuid;

use super::{
    Conditions, Error, Reader, answer, json,
    payload::{self, Unread},
    row::row,
    search,
};
use crate::{
    meta::{
        event::{Kind, Problem, Source},
        ids::Ids,
    },
    store::follow::Batch,
};

/// Filter for events: combines the set fields with AND.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EventFilter {
    /// The kinds; empty for any.
    pub kinds: Vec<Kind>,
    /// The sources of the deliveries; empty for any.
    pub sources: Vec<Source>,
    /// The subscription field.
    pub field: Option<String>,
    /// The configured app.
    pub app: Option<String>,
    /// Client of the accounts.
    pub client: Option<String>,
    /// The professional accounts; empty for any.
    pub account_ids: Vec<String>,
    /// The other party.
    pub person_id: Option<String>,
    /// The message.
    pub message_id: Option<String>,
    /// The comment.
    pub comment_id: Option<String>,
    /// The media.
    pub media_id: Option<String>,
    /// The delivery.
    pub delivery: Option<Items>,
    /// Problem of the event.
    pub problem: Option<Problem>,
    /// True for echoes only, false for none.
    pub is_echo: Option<bool>,
    /// True for events received more than an hour after they occurred, false for the others.
    pub is_late: Option<bool>,
    /// User name of the other party, in upper or lower case.
    pub username: Option<String>,
    /// Part of the text, in upper or lower case.
    pub text: Option<String>,
    /// Part of the payload, in upper or lower case.
    pub payload: Option<String>,
    /// These positions; empty for any.
    pub positions: Vec<i64>,
    /// Received at this moment or later.
    pub since: Option<Timestamp>,
    /// Received before this moment.
    pub until: Option<Timestamp>,
}

/// Condition for the arrival of an event long after it occurred, or not. The index `events_late` has
/// the words of the first one.
pub(super) fn late(is_late: bool) -> &'static str {
    if is_late {
        "received_at - occurred_at > interval '1 hour'"
    } else {
        "(received_at - occurred_at > interval '1 hour') IS NOT TRUE"
    }
}

/// Place of a delivery's items in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Items {
    /// Id of the delivery.
    pub id: Uuid,
    /// Receipt of the delivery.
    pub received_at: Timestamp,
    /// Position of the first item.
    pub first: i64,
    /// Number of items.
    pub count: i32,
}

/// Order of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The newest row first.
    #[default]
    Newest,
    /// The oldest row first.
    Oldest,
}

impl Order {
    /// Both orders.
    pub const ALL: &'static [Self] = &[Self::Newest, Self::Oldest];

    /// Name in a query.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Oldest => "oldest",
        }
    }
}

/// Range of positions, without its bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Between {
    /// Position before the range.
    pub after: Option<i64>,
    /// Position behind the range.
    pub before: Option<i64>,
}

row! {
    /// Stored event; serialised as an object with a key for each column.
    #[derive(Clone, Debug, Default, Serialize)]
    EventRow {
        #[serde(serialize_with = "json::text")]
        position: i64,
        delivery_id: Uuid,
        #[serde(serialize_with = "json::text")]
        received_at: Timestamp,
        #[serde(serialize_with = "json::text")]
        occurred_at: Option<Timestamp>,
        occurred_at_source: String,
        app: String,
        object: Option<String>,
        field: Option<String>,
        kind: String,
        channel: String,
        account_id: Option<String>,
        person_id: Option<String>,
        sender_id: Option<String>,
        recipient_id: Option<String>,
        username: Option<String>,
        #[serde(flatten)]
        ids: Ids<Option<String>>,
        text: Option<String>,
        is_echo: bool,
        is_self: bool,
        item_start: i32,
        item_length: i32,
        data: Option<Box<RawValue>>,
        payload: Option<Box<RawValue>> = "NULL::json",
        problem: Option<String>,
        source: String,
        dedupe_key: Uuid,
        #[serde(serialize_with = "json::text")]
        erased_at: Option<Timestamp>,
    }
}

/// Selects the columns of events but the payloads; conditions follow.
pub(super) fn events_where() -> String {
    format!("SELECT {} FROM events WHERE", EventRow::columns())
}

/// Same as [`events_where`], but without the columns `text` and `data`.
pub(super) fn events_without_content() -> String {
    let columns = EventRow::each_column().into_iter();
    let columns: Vec<_> = columns
        .map(|column| match column {
            "text" => "NULL::text AS text",
            "data" => "NULL::jsonb AS data",
            column => column,
        })
        .collect();
    format!("SELECT {} FROM events WHERE", columns.join(", "))
}

impl EventRow {
    /// Payload of the row, to be read.
    pub(super) fn unread(&mut self) -> Unread<'_> {
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
    /// Reads the event at `position`, or the event that moved from there.
    pub async fn event(&mut self, position: i64) -> Result<Option<EventRow>, Error> {
        if let Some(event) = self.event_at(position).await? {
            return Ok(Some(event));
        }
        let query = sqlx::query_scalar("SELECT position FROM moved_events WHERE moved_from = $1");
        let moved = query.bind(position).fetch_optional(&mut *self.conn);
        match answer(moved).await? {
            Some(position) => self.event_at(position).await,
            None => Ok(None),
        }
    }

    async fn event_at(&mut self, position: i64) -> Result<Option<EventRow>, Error> {
        let filter = EventFilter {
            positions: vec![position],
            ..EventFilter::default()
        };
        let page = (Order::Newest, 1);
        let mut found = self.events(&filter, Between::default(), page, true).await?;
        Ok(found.pop())
    }

    /// Reads at most `limit` events of a range; without `payloads`, every `payload` is `None`.
    pub async fn events(
        &mut self,
        filter: &EventFilter,
        range: Between,
        page: (Order, u32),
        payloads: bool,
    ) -> Result<Vec<EventRow>, Error> {
        let Some(filter) = self.in_time(filter).await? else {
            return Ok(Vec::new());
        };
        let list = self.list(&filter).await?;
        let columns = EventRow::columns();
        let recent = match range {
            Between {
                after: None,
                before: None,
            } => self.recent_events(&list, &columns, page).await?,
            _ => None,
        };
        let mut events = if let Some(events) = recent {
            events
        } else {
            let query = list.select("", &columns, range, page);
            self.rows(&list, query).await?
        };
        if payloads {
            let unread = events.iter_mut().map(EventRow::unread);
            answer(payload::read(&mut self.conn, unread)).await?;
        }
        Ok(events)
    }
}

impl Items {
    /// Restricts events to the items, including those that moved.
    fn apply(self, query: &mut Conditions) {
        let end = self.first + i64::from(self.count);
        query.and("received_at = ", Some(self.received_at.to_sqlx()));
        query.0.push(" AND (position >= ").push_bind(self.first);
        query.0.push(" AND position < ").push_bind(end);
        query.0.push(
            " OR position = ANY (ARRAY(SELECT position FROM moved_events WHERE moved_from >= ",
        );
        query.0.push_bind(self.first).push(" AND moved_from < ");
        query.0.push_bind(end).push(")))");
    }
}

impl Batch {
    /// Reads the events of the batch with all columns, in order. Only tests call this function: the
    /// followers of this version count and need no columns.
    ///
    /// # Errors
    /// If Postgres is unavailable.
    pub async fn events(&self, conn: &mut PgConnection) -> Result<Vec<EventRow>, Error> {
        let mut query = QueryBuilder::new(events_where());
        self.restrict(&mut query);
        query.push(" ORDER BY position");
        let mut events: Vec<EventRow> = query.build_query_as().fetch_all(&mut *conn).await?;
        payload::read(conn, events.iter_mut().map(EventRow::unread)).await?;
        Ok(events)
    }
}

impl EventFilter {
    /// True if the filter looks into texts or payloads, for which there is no index.
    pub fn is_search(&self) -> bool {
        self.text.is_some() || self.payload.is_some()
    }

    /// A filter that no event meets: positions begin at 1.
    pub fn nothing() -> Self {
        Self {
            positions: vec![0],
            ..Self::default()
        }
    }

    /// Applies every field of the filter.
    pub(super) fn apply(&self, query: &mut Conditions) {
        self.apply_to_items(query);
        self.apply_to_accounts(query);
    }

    /// Applies the account and the client.
    pub(super) fn apply_to_accounts(&self, query: &mut Conditions) {
        // A single account is read in the order of its index.
        match self.account_ids.as_slice() {
            [] => {}
            [account] => {
                query.and("account_id = ", Some(account.clone()));
            }
            several => {
                query.and_any("account_id", several.to_vec());
            }
        }
        if let Some(client) = &self.client {
            query.of_clients(vec![client.clone()]);
        }
    }

    /// Applies the fields that are columns of events only, and the app.
    pub(super) fn apply_to_items(&self, query: &mut Conditions) {
        query
            .among("kind", &self.kinds, Kind::as_str)
            .among("source", &self.sources, Source::as_str)
            .and("field = ", self.field.clone())
            .and("app = ", self.app.clone())
            .and("person_id = ", self.person_id.clone())
            .and("media_id = ", self.media_id.clone())
            .and("problem = ", self.problem.map(Problem::as_str))
            .and("is_echo = ", self.is_echo)
            // User names are ASCII.
            .and(
                "lower(username) = ",
                self.username.as_deref().map(str::to_ascii_lowercase),
            )
            .and("text ~ ", self.text.as_deref().map(search::containing))
            .and(
                "payload::text ~ ",
                self.payload.as_deref().map(search::containing),
            )
            .received(self.since, self.until);
        if let Some(is_late) = self.is_late {
            query.0.push(" AND ").push(late(is_late));
        }
        self.apply_ids(query);
        if let Some(items) = self.delivery {
            items.apply(query);
        }
    }

    /// Applies the ids of items.
    pub(super) fn apply_ids(&self, query: &mut Conditions) {
        query
            .and("message_id = ", self.message_id.clone())
            .and("comment_id = ", self.comment_id.clone());
        if !self.positions.is_empty() {
            let condition = query.0.push(" AND position = ANY (");
            condition.push_bind(self.positions.clone()).push(")");
        }
    }
}
