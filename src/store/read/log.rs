//! Events of the log in order of position, page by page, from any position on.

use std::collections::HashMap;

use jiff::Timestamp;
use sqlx::{PgConnection, Postgres, QueryBuilder};

use super::{
    events::{EventRow, events_where, events_without_content},
    payload,
};
use crate::store::{
    Error,
    follow::{Batch, Gap, Tail},
    stats,
};

/// Maximum size of a page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageSize {
    /// Number of events.
    pub(crate) events: i64,
    /// Size of the items in bytes, if there is more than one. `None` reads neither `text` nor `data`:
    /// the events are then small.
    pub(crate) bytes: Option<i64>,
}

/// Reader of the log. Any follower session can read the pages.
#[derive(Debug)]
pub(crate) struct LogReader {
    tail: Tail,
    /// Unread part of the last range.
    open: Option<Batch>,
    position: i64,
}

/// Events of a range of positions, without payloads.
#[derive(Debug, Default)]
pub(crate) struct LogPage {
    /// The events, oldest first.
    pub(crate) events: Vec<EventRow>,
    /// Last position of the range.
    pub(crate) through: i64,
    /// Everything committed before this time is read with the page. `None` if the page does not end
    /// at the end of the log.
    pub(crate) caught_up_at: Option<Timestamp>,
}

impl LogReader {
    /// Begins at the end of the log.
    ///
    /// # Errors
    /// If Postgres is unavailable.
    pub(crate) async fn at_the_end(conn: &mut PgConnection) -> Result<Self, Error> {
        Ok(Self::of(Tail::begin(conn, stats::NAME).await?))
    }

    /// Begins behind `position`, with everything committed before `caught_up_at` read; the time makes
    /// the start cheaper. Also returns the gap if `position` is older than every stored row.
    ///
    /// # Errors
    /// Same as [`at_the_end`](Self::at_the_end).
    pub(crate) async fn after(
        conn: &mut PgConnection,
        position: i64,
        caught_up_at: Option<Timestamp>,
    ) -> Result<(Self, Option<Gap>), Error> {
        let (tail, gap) = Tail::after(conn, position, caught_up_at).await?;
        Ok((Self::of(tail), gap))
    }

    fn of(tail: Tail) -> Self {
        Self {
            position: tail.position(),
            tail,
            open: None,
        }
    }

    /// Position up to which everything was read.
    pub(crate) fn position(&self) -> i64 {
        self.position
    }

    /// Everything committed before this time has a position up to [`position`](Self::position). `None`
    /// before the end of the log.
    pub(crate) fn caught_up_at(&self) -> Option<Timestamp> {
        self.tail.caught_up_at().filter(|_| self.open.is_none())
    }

    /// Reads the next page; `None` at the end of the log. Reads the same page again until it is
    /// [passed](Self::pass).
    ///
    /// # Errors
    /// Same as [`at_the_end`](Self::at_the_end).
    pub(crate) async fn page(
        &mut self,
        conn: &mut PgConnection,
        size: PageSize,
    ) -> Result<Option<LogPage>, Error> {
        if self.open.is_none() {
            self.open = self.tail.next(conn).await?;
        }
        let Some(batch) = &self.open else {
            return Ok(None);
        };
        let mut page = read(conn, batch, size).await?;
        let caught_up_at = self.tail.caught_up_at();
        page.caught_up_at = caught_up_at.filter(|_| page.through == batch.through);
        Ok(Some(page))
    }

    /// Goes behind a page up to `through`.
    pub(crate) fn pass(&mut self, through: i64) {
        self.position = through;
        if let Some(batch) = &mut self.open {
            batch.after = through;
        }
        self.open.take_if(|batch| batch.after >= batch.through);
    }
}

/// Reads the first events of a batch.
async fn read(conn: &mut PgConnection, batch: &Batch, size: PageSize) -> Result<LogPage, Error> {
    let mut query = QueryBuilder::new(match size.bytes {
        Some(_) => events_where(),
        None => events_without_content(),
    });
    batch.restrict(&mut query);
    match size.bytes {
        Some(bytes) => {
            up_to(&mut query, batch, size.events, bytes);
            query.push(" ORDER BY position");
        }
        None => {
            query
                .push(" ORDER BY position LIMIT ")
                .push_bind(size.events);
        }
    }
    let events: Vec<EventRow> = query.build_query_as().fetch_all(conn).await?;
    let bytes: i64 = events
        .iter()
        .map(|event| i64::from(event.item_length))
        .sum();
    let count = i64::try_from(events.len()).unwrap_or(i64::MAX);
    let is_full = count >= size.events || size.bytes.is_some_and(|most| bytes >= most);
    let last = events.last().filter(|_| is_full);
    Ok(LogPage {
        through: last.map_or(batch.through, |last| last.position),
        events,
        caught_up_at: None,
    })
}

/// Restricts a query to the first events of a batch, until their items have this size.
fn up_to(query: &mut QueryBuilder<Postgres>, batch: &Batch, events: i64, bytes: i64) {
    query.push(
        " AND position <= (
              SELECT max(position) FROM (
                  SELECT position, sum(item_length) OVER (ORDER BY position) - item_length AS before
                  FROM stored_events WHERE",
    );
    batch.restrict(query);
    query.push(" ORDER BY position LIMIT ").push_bind(events);
    query.push(") AS head WHERE before < ").push_bind(bytes);
    query.push(")");
}

/// Reads the payloads of events.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn read_payloads(conn: &mut PgConnection, events: &mut [EventRow]) -> Result<(), Error> {
    let unread = events.iter_mut().map(EventRow::unread);
    Ok(payload::read(conn, unread).await?)
}

/// Client of each account with a client, by app and account id.
///
/// # Errors
/// If Postgres is unavailable.
pub(crate) async fn clients(
    conn: &mut PgConnection,
) -> Result<HashMap<String, HashMap<String, String>>, Error> {
    let rows: Vec<(String, String, String)> =
        sqlx::query_as("SELECT app, account_id, client FROM accounts WHERE client IS NOT NULL")
            .fetch_all(conn)
            .await?;
    let mut clients: HashMap<_, HashMap<_, _>> = HashMap::new();
    for (app, account, client) in rows {
        clients.entry(app).or_default().insert(account, client);
    }
    Ok(clients)
}
