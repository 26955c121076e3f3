//! Events of the log in order of position, page by page, from any position on.

use std::collections::HashMap;

use sqlx::{PgConnection, QueryBuilder};

use super::{
    events::{EventRow, events_where},
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
    /// Size of the items in bytes, if there is more than one.
    pub(crate) bytes: i64,
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
    /// True if the page ends at the end of the log, as of its reading.
    pub(crate) is_last: bool,
}

impl LogReader {
    /// Begins at the end of the log.
    ///
    /// # Errors
    /// If Postgres is unavailable.
    pub(crate) async fn at_the_end(conn: &mut PgConnection) -> Result<Self, Error> {
        Ok(Self::of(Tail::begin(conn, stats::NAME).await?))
    }

    /// Begins behind `position`. Also returns the gap if `position` is older than every stored row.
    ///
    /// # Errors
    /// Same as [`at_the_end`](Self::at_the_end).
    pub(crate) async fn after(
        conn: &mut PgConnection,
        position: i64,
    ) -> Result<(Self, Option<Gap>), Error> {
        let (tail, gap) = Tail::after(conn, position).await?;
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
        page.is_last = page.through == batch.through && self.tail.is_at_the_end();
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
    let mut query = QueryBuilder::new(events_where());
    batch.restrict(&mut query);
    query.push(
        " AND position <= (
              SELECT max(position) FROM (
                  SELECT position, sum(item_length) OVER (ORDER BY position) - item_length AS before
                  FROM stored_events WHERE",
    );
    batch.restrict(&mut query);
    query
        .push(" ORDER BY position LIMIT ")
        .push_bind(size.events);
    query
        .push(") AS head WHERE before < ")
        .push_bind(size.bytes);
    query.push(") ORDER BY position");
    let events: Vec<EventRow> = query.build_query_as().fetch_all(conn).await?;
    let bytes: i64 = events
        .iter()
        .map(|event| i64::from(event.item_length))
        .sum();
    let count = i64::try_from(events.len()).unwrap_or(i64::MAX);
    let is_full = count >= size.events || bytes >= size.bytes;
    let last = events.last().filter(|_| is_full);
    Ok(LogPage {
        through: last.map_or(batch.through, |last| last.position),
        events,
        is_last: false,
    })
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
