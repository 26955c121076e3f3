//! Conversations: the list, the events of one, and all events about a message.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Conditions, Error, EventRow, Reader, Visible, answer,
    by_account::{self, Listed, Table, table},
    events::events_where,
    extent::{Extent, counting},
    json::{Digits, text},
    list::IN_ORDER_KEPT,
    place::Place,
    row::row,
};
use crate::{
    meta::event::Kind,
    store::{
        conversations::{self, BELIEVED},
        follow::{self, Lag},
    },
};

/// Kinds of events that belong to no conversation, although they have a person.
pub(super) const ELSEWHERE: &[Kind] = &[
    Kind::Comment,
    Kind::LiveComment,
    Kind::Mention,
    Kind::StoryInsights,
];

/// Maximum number of events about the messages of a page.
const MOST_ABOUT: u32 = 10_000;

/// Maximum number of events of a person that are searched for a user name.
const LAST_EVENTS: u32 = 1_000;

/// Time of an event: its occurrence, else its arrival.
const AT: &str = "coalesce(occurred_at, received_at)";

/// Filter for conversations: combines the set fields with AND.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConversationFilter {
    /// The configured app.
    pub app: Option<String>,
    /// Client of the accounts.
    pub client: Option<String>,
    /// The professional accounts; empty for any.
    pub account_ids: Vec<String>,
    /// The other party.
    pub person_id: Option<String>,
    /// Only conversations without an answer.
    pub waiting: bool,
    /// With an event at this time or later.
    pub since: Option<Timestamp>,
    /// Without an event at this time or later.
    pub until: Option<Timestamp>,
}

/// Order of conversations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConversationOrder {
    /// By the time of the last event, newest first.
    #[default]
    Newest,
    /// By `waiting_since`, longest waiting first; only conversations without an answer.
    LongestWaiting,
}

impl ConversationOrder {
    /// All orders.
    pub const ALL: &'static [Self] = &[Self::Newest, Self::LongestWaiting];

    /// Name of the order.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::LongestWaiting => "longest_waiting",
        }
    }
}

row! {
    /// Conversation of an account with a person; serialised as an object with a key for each
    /// column.
    #[derive(Clone, Debug, Default, Serialize, JsonSchema)]
    #[schemars(rename = "ConversationSummary")]
    ConversationRow {
        app: String,
        account_id: String,
        person_id: String,
        received: i64,
        sent: i64,
        #[serde(serialize_with = "text")]
        #[schemars(with = "Digits")]
        first_position: i64,
        #[serde(serialize_with = "text")]
        #[schemars(with = "Digits")]
        last_position: i64,
        #[serde(serialize_with = "text")]
        last_at: Timestamp,
        #[serde(serialize_with = "text")]
        waiting_since: Option<Timestamp>,
    }
}

impl Reader {
    /// Reads at most `limit` conversations behind `after`, in this order.
    pub async fn conversations(
        &mut self,
        filter: &ConversationFilter,
        order: ConversationOrder,
        after: Option<Place>,
        limit: u32,
    ) -> Result<Vec<ConversationRow>, Error> {
        let mut query = by_account::begin(filter, &self.visible);
        let order_by = match order {
            ConversationOrder::Newest => {
                query.before_place("last_at", "first_position", after);
                " ORDER BY last_at DESC, first_position DESC"
            }
            ConversationOrder::LongestWaiting => {
                query.0.push(" AND waiting_since IS NOT NULL");
                query.after_place("waiting_since", "first_position", after);
                " ORDER BY waiting_since, first_position"
            }
        };
        let mut query = query.merged(order_by, limit);
        answer(query.build_query_as().fetch_all(&mut *self.conn)).await
    }

    /// Counts the events of a conversation: lines and changes of lines.
    pub async fn extent_of_conversation(&mut self, of: &ConversationRow) -> Result<Extent, Error> {
        let query = of.events(counting(AT, AT, " FROM events WHERE"), &self.visible);
        self.count(query).await
    }

    /// Lag of the lists of conversations and media; `None` if their follower never ran.
    pub async fn listing(&mut self) -> Result<Option<Lag>, Error> {
        follow::lag(&mut self.conn, conversations::NAME).await
    }

    /// Reads at most `limit` events of a conversation before `place`, newest first, or after
    /// `place`, oldest first. Events are in order of their time, then of their position; they have
    /// no payload.
    pub async fn events_of_conversation(
        &mut self,
        of: &ConversationRow,
        before: Option<Place>,
        after: Option<Place>,
        limit: u32,
    ) -> Result<Vec<EventRow>, Error> {
        let from = match after {
            Some(_) => None,
            None => self.conversation_since(of, before, limit).await?,
        };
        let mut query = of.events(Conditions::after(&events_where()), &self.visible);
        query.received(from, None);
        let order = if after.is_some() {
            query.after_place(AT, "position", after);
            " ORDER BY coalesce(occurred_at, received_at), position"
        } else {
            query.before_place(AT, "position", before);
            " ORDER BY coalesce(occurred_at, received_at) DESC, position DESC"
        };
        let mut query = query.limit(order, limit);
        answer(query.build_query_as().fetch_all(&mut *self.conn)).await
    }

    /// Start of the days that have the last `limit` events before `place`; `None` if there are
    /// fewer. The last in order of position are no later than the last in order of time, and an
    /// event occurs at most a day after its arrival. So a long conversation is not sorted.
    async fn conversation_since(
        &mut self,
        of: &ConversationRow,
        before: Option<Place>,
        limit: u32,
    ) -> Result<Option<Timestamp>, Error> {
        let begin = format!("SELECT count(*), min(at) FROM (SELECT {AT} AS at FROM events WHERE");
        let mut query = of.events(Conditions::after(&begin), &self.visible);
        query.before_place(AT, "position", before);
        let mut query = query.limit(" ORDER BY position DESC", limit);
        query.push(") AS newest");
        let rows: Vec<(i64, Option<jiff_sqlx::Timestamp>)> =
            self.rows_in(IN_ORDER_KEPT, query).await?;
        let first = rows
            .into_iter()
            .find(|(count, _)| *count == i64::from(limit));
        let first = first.and_then(|(_, first)| Some(first?.to_jiff()));
        Ok(first.and_then(|first| first.checked_sub(BELIEVED).ok()))
    }

    /// Reads the events about these messages of the account that were received since `from`, or at
    /// any time, in order of their time.
    pub async fn events_about_messages(
        &mut self,
        of: &ConversationRow,
        messages: &[String],
        from: Option<Timestamp>,
    ) -> Result<Vec<EventRow>, Error> {
        let about = |query: &mut Conditions| {
            query.0.push(" AND message_id = ANY (");
            query.0.push_bind(messages.to_vec()).push(")");
        };
        let [from, until] = if from.is_some() {
            [from, None]
        } else {
            let Some(times) = self.times("events", about).await? else {
                return Ok(Vec::new());
            };
            times.map(Some)
        };
        let mut query = Conditions::after(&events_where());
        about(&mut query);
        query
            .of_account((&of.app, &of.account_id), &self.visible)
            .received(from, until);
        let order = " ORDER BY coalesce(occurred_at, received_at), position";
        let mut query = query.limit(order, MOST_ABOUT);
        answer(query.build_query_as().fetch_all(&mut *self.conn)).await
    }

    /// User name of the person in the newest event that has one, among the newest thousand.
    pub async fn username_of(&mut self, person_id: &str) -> Result<Option<String>, Error> {
        let begin = "SELECT username FROM (SELECT username FROM events WHERE";
        let mut query = Conditions::after(begin);
        query
            .visible(&self.visible)
            .and("person_id = ", Some(person_id.to_owned()));
        let mut query = query.limit(" ORDER BY position DESC", LAST_EVENTS);
        query.push(") AS newest WHERE username IS NOT NULL LIMIT 1");
        let names: Vec<(String,)> = self.rows_in(IN_ORDER_KEPT, query).await?;
        Ok(names.into_iter().next().map(|(name,)| name))
    }
}

impl ConversationRow {
    /// Restricts a statement about events to the visible ones of the conversation.
    fn events(&self, mut query: Conditions, visible: &Visible) -> Conditions {
        query
            .and("person_id = ", Some(self.person_id.clone()))
            .of_account((&self.app, &self.account_id), visible);
        let elsewhere: Vec<_> = ELSEWHERE.iter().map(|kind| kind.as_str()).collect();
        query.0.push(" AND kind <> ALL (").push_bind(elsewhere);
        query.0.push(")");
        query
    }
}

impl Listed for ConversationFilter {
    type Row = ConversationRow;

    const TABLE: Table = table!("conversations", "person_id");

    fn columns() -> String {
        ConversationRow::columns()
    }

    fn accounts(&self) -> (&Option<String>, &[String]) {
        (&self.app, &self.account_ids)
    }

    fn client(&self) -> Option<&String> {
        self.client.as_ref()
    }

    fn times(&self) -> [Option<Timestamp>; 2] {
        [self.since, self.until]
    }

    fn apply(&self, query: &mut Conditions) {
        query.and("person_id = ", self.person_id.clone());
        if self.waiting {
            query.0.push(" AND waiting_since IS NOT NULL");
        }
    }

    fn key(row: &ConversationRow) -> [&str; 3] {
        [&row.app, &row.account_id, &row.person_id]
    }
}
