//! Events between two positions, which an operator's move of a consumer skips or repeats.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use crate::{
    config::EventChoice,
    store::{
        Error,
        read::{Conditions, MOST_COUNTED},
    },
};

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
    let mut query = Conditions::after(
        "SELECT kind, count(*), min(received_at), max(received_at)
         FROM (SELECT kind, received_at FROM stored_events AS event WHERE",
    );
    query
        .chosen(choice)
        .and("position > ", Some(after))
        .and("position <= ", Some(through));
    let mut query = query.limit("", MOST_COUNTED);
    query.push(") AS chosen GROUP BY kind ORDER BY count(*) DESC, kind");
    let rows: Vec<Row> = query.build_query_as().fetch_all(conn).await?;
    let count = |(kind, events, first_at, last_at): Row| KindCount {
        kind,
        events,
        first_at: first_at.to_jiff(),
        last_at: last_at.to_jiff(),
    };
    Ok(rows.into_iter().map(count).collect())
}

/// Finds the first position with an event received at `at` or later, if there is one.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn first_since(conn: &mut PgConnection, at: Timestamp) -> Result<Option<i64>, Error> {
    let first =
        sqlx::query_scalar("SELECT min(position) FROM stored_events WHERE received_at >= $1");
    Ok(first.bind(at.to_sqlx()).fetch_one(conn).await?)
}
