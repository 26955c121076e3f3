//! Reading: what is stored, as rows. Nothing here writes; a session that reads cannot.
//!
//! Filters become conditions on columns that have indexes or partitions behind them, one statement
//! for each set of filters, so that each is planned for what it asks. Lists are read forward, a
//! page at a time.

mod accounts;
mod deliveries;
mod events;
mod rejections;
mod repeats;
mod row;
mod search;
mod stats;
mod stored;

use std::time::Duration;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::{
    PgConnection, Postgres, QueryBuilder, error::DatabaseError, postgres::PgConnectOptions,
};

use super::{Error, connect};

pub use accounts::{AccountFilter, AccountRow};
pub use deliveries::{Content, DeliveryFilter, DeliveryRow};
pub use events::{EventFilter, EventRow};
pub use rejections::{RejectionFilter, RejectionRow, RejectionTotal};
pub use repeats::RepeatRow;
pub use stats::{Count, Counts, Dimension, MOST_COUNTS, StatsFilter};

/// How long connecting may take.
const CONNECTING: Duration = Duration::from_secs(10);

/// How long the server works on one statement before it gives up.
const STATEMENT: &str = "30s";

/// How long an answer may take: the statement and its way back.
const ANSWERING: Duration = Duration::from_secs(40);

/// A session that reads. Opening it and each question fail if Postgres is away or does not answer in
/// time.
#[derive(Debug)]
pub struct Reader(PgConnection);

impl Reader {
    /// Opens a session on the server that `options` lead to.
    pub async fn open(options: &PgConnectOptions) -> Result<Self, Error> {
        let options = options
            .clone()
            .application_name("hookshelf reader")
            .options([
                ("statement_timeout", STATEMENT),
                ("default_transaction_read_only", "on"),
            ]);
        Ok(Self(connect(&options, CONNECTING).await?))
    }
}

/// The answer, within [`ANSWERING`].
async fn answer<T>(asked: impl Future<Output = sqlx::Result<T>>) -> Result<T, Error> {
    let answered = tokio::time::timeout(ANSWERING, asked).await;
    answered.map_err(|_| Error::TimedOut)?.map_err(meaning)
}

/// A statement that took too long did not find the server away.
fn meaning(error: sqlx::Error) -> Error {
    let state = error.as_database_error().and_then(DatabaseError::code);
    match state.as_deref() {
        Some("57014") => Error::TimedOut,
        _ => error.into(),
    }
}

/// A statement that grows by a condition for each filter that is set.
struct Conditions(QueryBuilder<Postgres>);

impl Conditions {
    /// Begins with a statement whose last word is WHERE.
    fn after(select: &str) -> Self {
        let mut query = QueryBuilder::new(select);
        query.push(" true");
        Self(query)
    }

    /// Adds `condition`, which ends before its value, where there is one.
    fn and<T>(&mut self, condition: &'static str, value: Option<T>) -> &mut Self
    where
        T: for<'q> sqlx::Encode<'q, Postgres> + sqlx::Type<Postgres> + Send + 'static,
    {
        if let Some(value) = value {
            self.0.push(" AND ").push(condition).push_bind(value);
        }
        self
    }

    /// Adds that `column` has one of `values`, where there are any.
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

    /// Received from `since` on and before `until`.
    fn received(&mut self, since: Option<Timestamp>, until: Option<Timestamp>) -> &mut Self {
        self.and("received_at >= ", since.map(ToSqlx::to_sqlx))
            .and("received_at < ", until.map(ToSqlx::to_sqlx))
    }

    /// Ends with the order, and how many rows there are at most.
    fn limit(mut self, order: &'static str, limit: u32) -> QueryBuilder<Postgres> {
        let limit = i64::from(limit);
        self.0.push(order).push(" LIMIT ").push_bind(limit);
        self.0
    }
}
