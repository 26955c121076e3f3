//! Payloads of rows: slices of the bodies of their deliveries.
//!
//! A page reads each body once and cuts the slices here. In SQL, each slice costs a look-up of its
//! delivery, a conversion of the text, and a check as JSON.

use std::collections::HashMap;

use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use serde_json::value::RawValue;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::{
    meta::{event::Problem, sanitise::SafeText},
    store::{
        commit::day,
        follow::{day_range, within_fixed},
    },
};

/// Payload to read, with the location of its item.
#[derive(Debug)]
pub(super) struct Unread<'r> {
    /// Position of the item.
    pub position: i64,
    /// The delivery with the item.
    pub delivery_id: Uuid,
    /// Receipt of the delivery.
    pub received_at: Timestamp,
    /// Start of the item in the body, in bytes.
    pub start: i32,
    /// Length of the item in bytes.
    pub length: i32,
    /// Problem of the item.
    pub problem: Option<&'r str>,
    /// Payload of the row. It stays `None` if the item is nested too deep for readers of JSON, if
    /// the body is gone, and after the erasure of the item.
    pub payload: &'r mut Option<Box<RawValue>>,
}

/// Reads payloads: the exact text of each item. The bodies come one after the other, so that memory
/// holds one body beside the payloads.
pub(super) async fn read<'r>(
    conn: &mut PgConnection,
    rows: impl Iterator<Item = Unread<'r>>,
) -> sqlx::Result<()> {
    let mut unread = Rows::new();
    for row in rows.filter(|row| row.problem != Some(Problem::TooDeep.as_str())) {
        let delivery = (row.delivery_id, row.received_at);
        unread.entry(delivery).or_default().push(row);
    }
    if are_adjacent(unread.values().flatten()) {
        let most = 2 * i64::try_from(unread.len()).unwrap_or(i64::MAX / 2);
        let mut query = between(&unread);
        query.push(" LIMIT ").push_bind(most);
        take(conn, query, &mut unread).await?;
    }
    if !unread.is_empty() {
        let query = one_by_one(&unread);
        take(conn, query, &mut unread).await?;
    }
    Ok(())
}

/// Rows to read of each delivery, by its id and time of receipt.
type Rows<'r> = HashMap<(Uuid, Timestamp), Vec<Unread<'r>>>;

/// Reads bodies, and takes the rows of each from `unread`.
async fn take(
    conn: &mut PgConnection,
    mut query: QueryBuilder<Postgres>,
    unread: &mut Rows<'_>,
) -> sqlx::Result<()> {
    let mut bodies = query.build_query_as().fetch(conn);
    while let Some((id, received_at, body)) = bodies.try_next().await? {
        let (received_at, body): (jiff_sqlx::Timestamp, Vec<u8>) = (received_at, body);
        let delivery: (Uuid, _) = (id, received_at.to_jiff());
        for row in unread.remove(&delivery).into_iter().flatten() {
            *row.payload = slice(&body, row.start, row.length);
        }
    }
    Ok(())
}

/// Selects the bodies between the first and the last id. Ids begin with the time of receipt: one
/// range of the index has those of adjacent events. Between late events and the events beside them
/// there may be millions of others, so the caller limits the number.
fn between(unread: &Rows<'_>) -> QueryBuilder<Postgres> {
    let ids = || unread.keys().map(|(id, _)| *id);
    let times = || unread.keys().map(|(_, time)| *time);
    let mut query = QueryBuilder::new(
        "SELECT id, received_at, body FROM stored_deliveries
         WHERE body IS NOT NULL AND id BETWEEN ",
    );
    query.push_bind(ids().min()).push(" AND ");
    query.push_bind(ids().max());
    query.push(" AND received_at BETWEEN ");
    query.push_bind(times().min().map(ToSqlx::to_sqlx));
    query.push(" AND ");
    query.push_bind(times().max().map(ToSqlx::to_sqlx));
    let [first, last] = [times().min(), times().max()].map(|time| time.map(day));
    if let Some(day) = first.filter(|_| first == last) {
        within_fixed(&mut query, &[day_range(day)]);
    }
    query
}

/// Selects the bodies, each by a look-up.
fn one_by_one(unread: &Rows<'_>) -> QueryBuilder<Postgres> {
    let (ids, times): (Vec<_>, Vec<_>) = unread.keys().copied().unzip();
    let times: Vec<_> = times.iter().map(|time| time.to_sqlx()).collect();
    let mut query = between(unread);
    query.push(" AND (id, received_at) IN (SELECT * FROM unnest(");
    query.push_bind(ids).push("::uuid[], ");
    query.push_bind(times).push("::timestamptz[]))");
    query
}

/// True if the rows are at least half of the items between the first and the last, if there are any.
fn are_adjacent<'r>(rows: impl Iterator<Item = &'r Unread<'r>> + Clone) -> bool {
    let positions = rows.map(|row| row.position);
    let ends = positions.clone().min().zip(positions.clone().max());
    ends.is_some_and(|(first, last)| {
        usize::try_from(last.abs_diff(first)).is_ok_and(|span| span <= 2 * positions.count())
    })
}

/// Cuts an item out of a body; `None` if the bytes are no JSON, as after an erasure. Many parsers
/// refuse a text with an unpaired surrogate, and with it the whole answer.
fn slice(body: &[u8], start: i32, length: i32) -> Option<Box<RawValue>> {
    let start = usize::try_from(start).ok()?;
    let end = start.checked_add(usize::try_from(length).ok()?)?;
    let text = std::str::from_utf8(body.get(start..end)?).ok()?;
    let text = SafeText::new(text.into());
    RawValue::from_string(text.as_str().to_owned()).ok()
}
