//! Events that a consumer needs by position: those of its heads, and the next ones of a lane.
//!
//! A position does not tell the day. A statement with every column for ninety days takes 20 ms to
//! plan, so each statement here either opens the days of its rows only, or reads two columns with a
//! plan that the session keeps.

use jiff::{Timestamp, civil::Date};
use jiff_sqlx::ToSqlx as _;
use sqlx::{Connection as _, PgConnection, QueryBuilder};

use super::{Between, EventFilter, EventRow, Order, events::events_where, list::List};
use crate::store::{
    Error, day,
    follow::{day_range, ranges, within},
    partitions,
};

/// Reads the events at positions, in ascending order, without payloads. A position without an event
/// is left out.
///
/// With the time of receipt, the statement opens the partitions of these days. Without it, the days
/// are searched one by one, the newest first, until every position is found. `conn` is a session of
/// [`connect_follower`](crate::store::connect_follower).
///
/// # Errors
/// If Postgres is unavailable.
pub async fn events_at(
    conn: &mut PgConnection,
    wanted: &[(i64, Option<Timestamp>)],
) -> Result<Vec<EventRow>, Error> {
    let dated = wanted.iter().filter_map(|(at, time)| Some((*at, (*time)?)));
    let (positions, days): (Vec<i64>, Vec<Date>) = dated.map(|(at, time)| (at, day(time))).unzip();
    let mut events = on_days(conn, &ranges(&days), positions).await?;
    let undated = wanted.iter().filter(|(_, time)| time.is_none());
    let mut missing: Vec<i64> = undated.map(|(position, _)| *position).collect();
    let days = match missing[..] {
        [] => Vec::new(),
        _ => partitions::days(conn).await?,
    };
    for date in days.into_iter().rev() {
        if missing.is_empty() {
            break;
        }
        let found = on_days(conn, &[day_range(date)], missing.clone()).await?;
        missing.retain(|position| found.iter().all(|event| event.position != *position));
        events.extend(found);
    }
    events.sort_unstable_by_key(|event| event.position);
    Ok(events)
}

async fn on_days(
    conn: &mut PgConnection,
    days: &[(Timestamp, Timestamp)],
    positions: Vec<i64>,
) -> Result<Vec<EventRow>, Error> {
    if positions.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = QueryBuilder::new(events_where());
    query.push(" position = ANY (").push_bind(positions);
    query.push(")");
    within(&mut query, days);
    Ok(query.build_query_as().fetch_all(conn).await?)
}

/// Reads the first events of a lane after position `after` and up to `through`, at most `limit`, in
/// ascending order and without payloads. `lane` names a person or an account.
///
/// A first statement finds their positions in the index of persons or accounts, in all days, with a
/// plan that the session keeps. A second one reads the rows on their days. If the call is cancelled,
/// the caller drops the session.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn next_of_lane(
    conn: &mut PgConnection,
    lane: &EventFilter,
    mut after: i64,
    through: i64,
    limit: u32,
) -> Result<Vec<EventRow>, Error> {
    let list = List::of_lane(lane);
    loop {
        let range = Between {
            after: Some(after),
            before: Some(through.saturating_add(1)),
        };
        let mut query = list.select("", "position, received_at", range, (Order::Oldest, limit));
        let mut tx = conn.begin_with(list.begin_kept()).await?;
        let found: Vec<(i64, jiff_sqlx::Timestamp)> =
            query.build_query_as().fetch_all(&mut *tx).await?;
        tx.rollback().await?;
        let Some((end, _)) = found.last() else {
            return Ok(Vec::new());
        };
        after = *end;
        let found = found
            .into_iter()
            .map(|(at, time)| (at, Some(time.to_jiff())));
        let events = events_at(conn, &found.collect::<Vec<_>>()).await?;
        // All of them may have been deleted meanwhile: others may be behind them.
        if !events.is_empty() {
            return Ok(events);
        }
    }
}

/// Finds the first position with an event. A day may begin with a later one than the day after it.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn first_stored(conn: &mut PgConnection) -> Result<Option<i64>, Error> {
    let first = sqlx::query_scalar("SELECT min(position) FROM stored_events");
    Ok(first.fetch_one(conn).await?)
}

/// Finds the events of messages and comments that were received since a moment, by their ids. Returns
/// their positions with the times of receipt.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn events_of(
    conn: &mut PgConnection,
    messages: &[&str],
    comments: &[&str],
    since: Timestamp,
) -> Result<Vec<(i64, Option<Timestamp>)>, Error> {
    let found: Vec<(i64, jiff_sqlx::Timestamp)> = sqlx::query_as(
        "SELECT position, received_at FROM events
         WHERE message_id = ANY ($1) AND received_at >= $3
         UNION
         SELECT position, received_at FROM events
         WHERE comment_id = ANY ($2) AND received_at >= $3",
    )
    .bind(messages)
    .bind(comments)
    .bind(since.to_sqlx())
    .fetch_all(conn)
    .await?;
    let place = |(at, time): (i64, jiff_sqlx::Timestamp)| (at, Some(time.to_jiff()));
    Ok(found.into_iter().map(place).collect())
}
