//! Read access to stored data, in read-only sessions.
//!
//! Filters become conditions on columns with indexes or partitions. Each set of filters has a
//! statement of its own, so that Postgres plans for these conditions. Lists are read forward, a
//! page at a time.

mod accounts;
mod audit;
mod by_account;
mod consumers;
mod conversations;
mod deliveries;
mod dropped;
mod events;
mod extent;
mod gaps;
mod json;
mod list;
mod log;
mod lookup;
mod media;
mod payload;
mod place;
mod positions;
mod recent;
mod rejections;
mod reparse;
mod repeats;
mod replay_pages;
mod replays;
mod row;
mod search;
mod statement;
mod stats;
mod steps;
mod stored;
mod times;
mod visible;

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::{
    PgConnection, PgPool, Postgres, QueryBuilder,
    error::DatabaseError,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::{Error, connect};
use crate::{
    config::EventChoice,
    vocabulary::{Channel, Kind, Source},
};

pub use accounts::{AccountFilter, AccountRow};
pub use audit::AuditRow;
pub(crate) use by_account::Listed;
pub use conversations::{ConversationFilter, ConversationOrder, ConversationRow};
pub(crate) use deliveries::ReceivedBody;
pub use deliveries::{Content, DeliveryFilter, DeliveryRow};
pub use dropped::{DroppedDay, DroppedPosition};
pub use events::{Between, EventFilter, EventRow, Items, Order};
pub use extent::Extent;
pub use gaps::{GapFilter, GapRow, MOST_GAPS};
pub use json::Digits;
pub(crate) use json::{Textual, text};
pub use log::read_payloads;
pub(crate) use log::{LogPage, LogReader, PageSize, clients};
pub(crate) use media::CommentTimes;
pub use media::{CommentMinute, MediaFilter, MediaRow};
pub use place::{InvalidPlace, Place};
pub use positions::{events_at, events_of, first_stored, next_of_lane};
pub use rejections::{RejectionFilter, RejectionRow, RejectionTotal};
pub use reparse::ItemRow;
pub(super) use reparse::items_to_read;
pub use repeats::RepeatRow;
pub use replay_pages::{ReplayPage, ReplayRange, ReplayReader};
pub use replays::{Groups, PlannedEvents, ReplayCounts};
pub(crate) use statement::{
    conversation_statement, delivery_statement, event_statement, statement, threads_statement,
};
pub use stats::{Count, Counts, Dimension, MOST_COUNTS, StatsFilter};
pub(crate) use steps::StepSize;
pub(crate) use visible::Visible;

/// Maximum number of events that a plan counts.
pub const MOST_COUNTED: u32 = 1_000_000;

/// Timeout for connecting.
const CONNECTING: Duration = Duration::from_secs(10);

/// Timeout for a free session of a pool.
const FREE: Duration = Duration::from_secs(3);

/// Timeout of one statement on the server.
const STATEMENT: &str = "30s";

/// Timeout for an answer: the statement and the transfer.
const ANSWERING: Duration = Duration::from_secs(40);

/// Read-only sessions.
#[derive(Clone, Debug)]
pub(crate) enum Readers {
    /// Pool of sessions.
    Pool(PgPool),
    /// An open session.
    One(Arc<Mutex<PgConnection>>),
}

impl Readers {
    /// Creates a pool of at most `size` sessions on the server of `options`. It connects on demand.
    pub(crate) fn new(options: &PgConnectOptions, size: u32) -> Self {
        let pool = PgPoolOptions::new()
            .max_connections(size)
            .acquire_timeout(FREE);
        Self::Pool(pool.connect_lazy_with(read_only(options)))
    }

    /// Opens one session on the server of `options`.
    ///
    /// # Errors
    /// If Postgres is unavailable.
    pub(crate) async fn one(options: &PgConnectOptions) -> Result<Self, Error> {
        let conn = connect(&read_only(options), CONNECTING).await?;
        Ok(Self::One(Arc::new(Mutex::new(conn))))
    }

    /// Takes a free session, which reads visible rows only.
    ///
    /// # Errors
    /// If Postgres is unavailable, or no session is free in time.
    pub(crate) async fn reader(&self, visible: Visible) -> Result<Reader, Error> {
        let conn = match self {
            Self::Pool(pool) => Conn::Pooled(pooled(pool).await?),
            Self::One(conn) => {
                let free = tokio::time::timeout(FREE, Arc::clone(conn).lock_owned());
                Conn::Lent(free.await.map_err(|_| Error::TimedOut)?)
            }
        };
        Ok(Reader {
            conn,
            visible,
            is_beginning: false,
        })
    }
}

/// Takes a free session of a pool.
async fn pooled(pool: &PgPool) -> Result<PoolConnection<Postgres>, Error> {
    pool.acquire().await.map_err(|error| match error {
        // The pool still had room: it tried to connect for all of the time.
        sqlx::Error::PoolTimedOut if pool.size() < pool.options().get_max_connections() => {
            Error::Unavailable(error)
        }
        error => meaning(error),
    })
}

fn read_only(options: &PgConnectOptions) -> PgConnectOptions {
    options
        .clone()
        .application_name("hookshelf reader")
        .options([
            ("statement_timeout", STATEMENT),
            ("default_transaction_read_only", "on"),
            // Each statement opens the partitions of its own days only.
            ("plan_cache_mode", "force_custom_plan"),
            ("jit", "off"),
        ])
}

/// Read-only session. Opening and queries fail if Postgres is unavailable or does not answer in
/// time.
#[derive(Debug)]
pub struct Reader {
    conn: Conn,
    visible: Visible,
    /// True while a transaction begins.
    is_beginning: bool,
}

/// sqlx does not know of a transaction whose BEGIN was cancelled, and would lend its session again.
impl Drop for Reader {
    fn drop(&mut self) {
        if self.is_beginning
            && let Conn::Pooled(conn) = &mut self.conn
        {
            conn.close_on_drop();
        }
    }
}

/// Connection of a session.
#[derive(Debug)]
enum Conn {
    Pooled(PoolConnection<Postgres>),
    Lent(OwnedMutexGuard<PgConnection>),
}

impl Deref for Conn {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        match self {
            Self::Pooled(conn) => conn,
            Self::Lent(conn) => conn,
        }
    }
}

impl DerefMut for Conn {
    fn deref_mut(&mut self) -> &mut PgConnection {
        match self {
            Self::Pooled(conn) => conn,
            Self::Lent(conn) => conn,
        }
    }
}

impl Reader {
    /// Opens a session of its own on the server of `options`, which sees every row.
    pub async fn open(options: &PgConnectOptions) -> Result<Self, Error> {
        Self::open_visible(options, Visible::default()).await
    }

    /// Opens a session of its own on the server of `options`, which reads visible rows only.
    pub(crate) async fn open_visible(
        options: &PgConnectOptions,
        visible: Visible,
    ) -> Result<Self, Error> {
        Readers::one(options).await?.reader(visible).await
    }
}

/// Waits for an answer within [`ANSWERING`].
async fn answer<T>(asked: impl Future<Output = sqlx::Result<T>>) -> Result<T, Error> {
    let answered = tokio::time::timeout(ANSWERING, asked).await;
    answered.map_err(|_| Error::TimedOut)?.map_err(meaning)
}

/// Classifies an error: a statement timeout is `TimedOut`, not `Unavailable`.
fn meaning(error: sqlx::Error) -> Error {
    let state = error.as_database_error().and_then(DatabaseError::code);
    match (state.as_deref(), &error) {
        (Some("57014"), _) | (_, sqlx::Error::PoolTimedOut) => Error::TimedOut,
        _ => error.into(),
    }
}

/// Statement with a condition for each set filter.
pub(crate) struct Conditions(QueryBuilder<Postgres>);

impl Conditions {
    /// Begins with the statement `select`; its last word is WHERE.
    pub(in crate::store) fn after(select: &str) -> Self {
        let mut query = QueryBuilder::new(select);
        query.push(" true");
        Self(query)
    }

    /// Goes on with another part of the statement; its last word is WHERE or AND.
    fn again(&mut self, part: &str) -> &mut Self {
        self.0.push(part).push(" true");
        self
    }

    /// Adds a condition if there is a value. The text of `condition` ends before the value.
    pub(in crate::store) fn and<T>(
        &mut self,
        condition: &'static str,
        value: Option<T>,
    ) -> &mut Self
    where
        T: for<'q> sqlx::Encode<'q, Postgres> + sqlx::Type<Postgres> + Send + 'static,
    {
        if let Some(value) = value {
            self.0.push(" AND ").push(condition).push_bind(value);
        }
        self
    }

    /// Restricts `column` to `values`, unless `values` is empty.
    fn among<T: Copy>(
        &mut self,
        column: &'static str,
        values: &[T],
        spell: fn(T) -> &'static str,
    ) -> &mut Self {
        if !values.is_empty() {
            let values: Vec<_> = values.iter().copied().map(spell).collect();
            let condition = self.0.push(" AND ").push(column).push(" = ANY (");
            condition.push_bind(values).push(")");
        }
        self
    }

    /// Restricts `column` to `values`.
    fn and_any(&mut self, column: &'static str, values: Vec<String>) -> &mut Self {
        self.0.push(" AND ").push(column).push(" = ANY (");
        self.0.push_bind(values).push(")");
        self
    }

    /// Restricts to the events that a consumer chooses. An empty list allows every value.
    pub(in crate::store) fn chosen(&mut self, choice: &EventChoice) -> &mut Self {
        self.among("kind", &choice.kinds, Kind::as_str)
            .among(
                "coalesce(channel, 'messaging')",
                &choice.channels,
                Channel::as_str,
            )
            .among("source", &choice.sources, Source::as_str)
            .and("is_echo = ", choice.echo)
            .and("is_self = ", choice.own);
        if !choice.apps.is_empty() {
            let apps = choice.apps.iter().map(ToString::to_string);
            self.and_any("app", apps.collect());
        }
        if !choice.accounts.is_empty() {
            self.and_any("account_id", choice.accounts.clone());
        }
        if !choice.clients.is_empty() {
            self.of_clients(choice.clients.clone());
        }
        self
    }

    /// Restricts `received_at` to the time from `since` until before `until`.
    fn received(&mut self, since: Option<Timestamp>, until: Option<Timestamp>) -> &mut Self {
        self.and("received_at >= ", since.map(ToSqlx::to_sqlx))
            .and("received_at < ", until.map(ToSqlx::to_sqlx))
    }

    /// Adds the order and the maximum number of rows.
    pub(in crate::store) fn limit(
        mut self,
        order: &'static str,
        limit: u32,
    ) -> QueryBuilder<Postgres> {
        let limit = i64::from(limit);
        self.0.push(order).push(" LIMIT ").push_bind(limit);
        self.0
    }
}
