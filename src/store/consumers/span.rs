//! Events between two positions, which an operator's move of a consumer skips or repeats.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use crate::{
    config::{AppName, EventChoice},
    store::Error,
    vocabulary::Spelled,
};

/// Maximum number of events to count.
pub const MOST_COUNTED: i64 = 1_000_000;

/// Number of events of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindCount {
    /// Kind of the events.
    pub kind: String,
    /// Number of events.
    pub events: i64,
    /// Time of receipt of the first event.
    pub first_at: Timestamp,
    /// Time of receipt of the last event.
    pub last_at: Timestamp,
}

type Row = (String, i64, jiff_sqlx::Timestamp, jiff_sqlx::Timestamp);

/// Counts the events after `after` and up to `through` that `choice` selects, by kind, the most
/// frequent first. Stops at [`MOST_COUNTED`] events.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn count_between(
    conn: &mut PgConnection,
    (after, through): (i64, i64),
    choice: &EventChoice,
) -> Result<Vec<KindCount>, Error> {
    let apps: Vec<_> = choice.apps.iter().map(AppName::as_str).collect();
    let rows: Vec<Row> = sqlx::query_as(COUNT)
        .bind(after)
        .bind(through)
        .bind(names(&choice.kinds))
        .bind(apps)
        .bind(&choice.accounts)
        .bind(&choice.clients)
        .bind(names(&choice.channels))
        .bind(names(&choice.sources))
        .bind(choice.echo)
        .bind(choice.own)
        .bind(MOST_COUNTED)
        .fetch_all(conn)
        .await?;
    let count = |(kind, events, first_at, last_at): Row| KindCount {
        kind,
        events,
        first_at: first_at.to_jiff(),
        last_at: last_at.to_jiff(),
    };
    Ok(rows.into_iter().map(count).collect())
}

/// An empty list allows every value.
const COUNT: &str = "
    SELECT kind, count(*), min(received_at), max(received_at)
    FROM (
        SELECT kind, received_at FROM stored_events AS event
        WHERE position > $1 AND position <= $2
          AND (cardinality($3::text[]) = 0 OR kind = ANY ($3))
          AND (cardinality($4::text[]) = 0 OR app = ANY ($4))
          AND (cardinality($5::text[]) = 0 OR account_id = ANY ($5))
          AND (cardinality($6::text[]) = 0 OR (app, account_id) IN (
                  SELECT app, account_id FROM accounts WHERE client = ANY ($6)))
          AND (cardinality($7::text[]) = 0 OR coalesce(channel, 'messaging') = ANY ($7))
          AND (cardinality($8::text[]) = 0 OR source = ANY ($8))
          AND ($9::bool IS NULL OR is_echo = $9)
          AND ($10::bool IS NULL OR is_self = $10)
        LIMIT $11
    ) AS chosen
    GROUP BY kind ORDER BY count(*) DESC, kind";

/// Finds the first position with an event received at `at` or later, if there is one.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn first_since(conn: &mut PgConnection, at: Timestamp) -> Result<Option<i64>, Error> {
    let first =
        sqlx::query_scalar("SELECT min(position) FROM stored_events WHERE received_at >= $1");
    Ok(first.bind(at.to_sqlx()).fetch_one(conn).await?)
}

fn names<T: Spelled>(values: &[T]) -> Vec<&'static str> {
    values.iter().map(|it| it.name()).collect()
}
