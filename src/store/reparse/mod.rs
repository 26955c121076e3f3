//! Events read again by the present parser, moved in small transactions while the server keeps
//! storing deliveries.
//!
//! An event that reads differently is deleted and inserted again with the columns of the new
//! reading, at a position at the end of the log: every reader of the log sees a new event. In the
//! same transaction, the dedupe keys point to the new position, the counts of the old kind are
//! lowered, and the lists of conversations and media are counted again. An interrupted run needs no
//! repair, only another run.
//!
//! The event keeps its `dedupe_key`. The kind is part of the key, so the same item gets another key
//! today: this later key is added to `dedupe`, and Meta's repeats are recognised before and after
//! the change. An event whose later key belongs to another event stays as it is.
//!
//! Lock order: the rows of the followers `stats` and `conversations`, the fence, rows, keys.
//! Conversations and media are counted again before the fence is taken.

mod columns;
mod moving;

use jiff::{Timestamp, ToSpan, civil::Date};
use jiff_sqlx::ToSqlx;
use sqlx::{PgConnection, QueryBuilder, postgres::PgConnectOptions};
use uuid::Uuid;

use super::{
    Commits, Error,
    commit::day,
    connect::{connect_rewriter, settle_writer},
    follow::{day_range, ranges, within},
    partitions, purge,
    read::{EventFilter, items_to_read},
    stats,
};
use crate::meta::event::{Event, Kind, Problem};

pub use self::moving::Moved;
pub use super::read::ItemRow;

/// Days before and after an event that may have the same occurrence in another form: Meta sends a
/// refused delivery again for 36 hours.
const AROUND: i32 = 2;

/// Session that reads stored items and moves their events.
#[derive(Debug)]
pub struct Session {
    conn: PgConnection,
}

/// An event that reads differently today.
#[derive(Clone, Debug)]
pub struct Change {
    item: ItemRow,
    /// Key of the item today, if it differs.
    pub later_key: Option<Uuid>,
    columns: String,
}

impl Change {
    /// The change of the event of `item` to `event`.
    pub fn new(item: ItemRow, event: &Event) -> Self {
        let key = event.dedupe_key;
        Self {
            later_key: Some(key).filter(|key| *key != item.dedupe_key),
            columns: columns::columns(event),
            item,
        }
    }

    /// Position of the event.
    pub fn position(&self) -> i64 {
        self.item.position
    }
}

impl Session {
    /// Opens a session.
    ///
    /// # Errors
    /// If Postgres is unavailable, or accepts no writes.
    pub async fn open(options: &PgConnectOptions) -> Result<Self, Error> {
        let mut conn = connect_rewriter(options, "hookshelf reparse").await?;
        settle_writer(&mut conn, Commits::Durable).await?;
        Ok(Self { conn })
    }

    /// Days with events in the time of the filter, the first one first.
    ///
    /// # Errors
    /// If Postgres is unavailable.
    pub async fn days(&mut self, filter: &EventFilter) -> Result<Vec<Date>, Error> {
        let mut days = partitions::days(&mut self.conn).await?;
        days.retain(|date| {
            let (from, to) = day_range(*date);
            filter.since.is_none_or(|since| since < to)
                && filter.until.is_none_or(|until| until > from)
        });
        Ok(days)
    }

    /// Reads items of a day after the position `after`, without erased ones: at most `limit`, in order
    /// of position. Without kinds, a problem or positions in the filter: items of kind `unknown` and
    /// items with a problem.
    ///
    /// # Errors
    /// If Postgres is unavailable.
    pub async fn items(
        &mut self,
        filter: &EventFilter,
        day: Date,
        after: i64,
        limit: u32,
    ) -> Result<Vec<ItemRow>, Error> {
        items_to_read(&mut self.conn, filter, day_range(day), after, limit).await
    }

    /// Reads the body of a delivery; `None` if it is not stored any more.
    ///
    /// # Errors
    /// If Postgres is unavailable.
    pub async fn body(&mut self, item: &ItemRow) -> Result<Option<Vec<u8>>, Error> {
        let body = sqlx::query_scalar(
            "SELECT body FROM stored_deliveries WHERE id = $1 AND received_at = $2",
        );
        let body = body.bind(item.delivery_id).bind(item.received_at.to_sqlx());
        Ok(body.fetch_optional(&mut self.conn).await?.flatten())
    }

    /// Finds the events that have one of these keys, with their positions: among known keys, among
    /// the events around a day, and among moved events.
    ///
    /// # Errors
    /// If Postgres is unavailable.
    pub async fn holders(&mut self, date: Date, keys: &[Uuid]) -> Result<Vec<(Uuid, i64)>, Error> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let days = (-AROUND..=AROUND).map(|days| date.saturating_add(days.days()));
        let ranges = ranges(&days.collect::<Vec<_>>());
        let mut query = QueryBuilder::new(
            "SELECT key, position FROM dedupe
             WHERE epoch >= (SELECT epoch - 1 FROM commit_fence) AND key = ANY (",
        );
        query.push_bind(keys);
        query.push(
            ") UNION SELECT key, position FROM moved_events, unnest(later_keys) AS key WHERE true",
        );
        within(&mut query, &ranges);
        query.push(" AND key = ANY (").push_bind(keys);
        query.push(") UNION SELECT dedupe_key, position FROM stored_events WHERE true");
        within(&mut query, &ranges);
        query.push(" AND dedupe_key = ANY (").push_bind(keys);
        query.push(")");
        Ok(query.build_query_as().fetch_all(&mut self.conn).await?)
    }

    /// Prevents other runs until the session ends, and forgets moved events of dropped days.
    ///
    /// # Errors
    /// If Postgres is unavailable, or a purge or another run is at work.
    pub async fn begin(&mut self) -> Result<(), Error> {
        purge::claim(&mut self.conn).await?;
        let first = partitions::days(&mut self.conn).await?.first().copied();
        let (from, _) = day_range(first.unwrap_or(Date::MIN));
        sqlx::query("DELETE FROM moved_events WHERE received_at < $1")
            .bind(from.to_sqlx())
            .execute(&mut self.conn)
            .await?;
        Ok(())
    }

    /// Deletes counts of a day that have become zero.
    ///
    /// # Errors
    /// If Postgres is unavailable.
    pub async fn end_of_day(&mut self, day: Date) -> Result<(), Error> {
        stats::delete_empty(&mut self.conn, day_range(day)).await
    }
}

/// True if a stored kind or problem differs from that of `event`. A kind of a later version stays.
pub fn differs(item: &ItemRow, event: &Event) -> bool {
    Kind::of_name(&item.kind).is_some_and(|kind| {
        kind != event.kind || item.problem.as_deref() != event.problem.map(Problem::as_str)
    })
}

/// Range of days of these changes: those of one day.
fn range(changes: &[Change]) -> (Timestamp, Timestamp) {
    let first = changes.first().map(|change| day(change.item.received_at));
    day_range(first.unwrap_or(Date::MIN))
}
