//! Payloads of rows: slices of the bodies of their deliveries.
//!
//! A page reads each body once and cuts the slices here. In SQL, each slice costs a look-up of its
//! delivery, a conversion of the text, and a check as JSON.

use std::collections::{BTreeMap, HashMap};

use futures_util::TryStreamExt as _;
use jiff::{Timestamp, civil::Date};
use jiff_sqlx::ToSqlx as _;
use serde_json::value::RawValue;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    meta::{event::Problem, sanitise::SafeText},
    store::{commit::day, follow::day_range},
};

/// Payload to read, with the location of its item.
#[derive(Debug)]
pub(super) struct Unread<'r> {
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

/// Reads payloads: the exact text of each item, with a statement for each day. The bodies come one
/// after the other, so that memory holds one body beside the payloads.
pub(super) async fn read<'r>(
    conn: &mut PgConnection,
    rows: impl Iterator<Item = Unread<'r>>,
) -> sqlx::Result<()> {
    let mut days: BTreeMap<_, HashMap<_, Vec<_>>> = BTreeMap::new();
    for row in rows.filter(|row| row.problem != Some(Problem::TooDeep.as_str())) {
        let day = days.entry(day(row.received_at)).or_default();
        day.entry(row.delivery_id).or_default().push(row);
    }
    for (day, unread) in days {
        read_day(conn, day, unread).await?;
    }
    Ok(())
}

/// Reads the payloads of the deliveries in the partition of a day.
async fn read_day(
    conn: &mut PgConnection,
    day: Date,
    mut unread: HashMap<Uuid, Vec<Unread<'_>>>,
) -> sqlx::Result<()> {
    let (start, end) = day_range(day);
    let ids: Vec<_> = unread.keys().copied().collect();
    let mut bodies = sqlx::query_as(
        "SELECT id, body FROM deliveries
         WHERE id = ANY ($1) AND received_at >= $2 AND received_at < $3 AND body IS NOT NULL",
    )
    .bind(&ids)
    .bind(start.to_sqlx())
    .bind(end.to_sqlx())
    .fetch(conn);
    while let Some((id, body)) = bodies.try_next().await? {
        let (id, body): (Uuid, Vec<u8>) = (id, body);
        for row in unread.remove(&id).into_iter().flatten() {
            *row.payload = slice(&body, row.start, row.length);
        }
    }
    Ok(())
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
