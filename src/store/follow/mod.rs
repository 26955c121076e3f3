//! Followers: readers of the log of positions, each with a cursor in `followers`.
//!
//! Positions appear in commit order, so a forward reader misses nothing. A turn hands the next
//! batch to a [`Consumer`]. The consumer writes its result in the transaction that moves the
//! cursor, so that both happen or neither. Sessions of the same follower take turns by the lock on
//! its row.
//!
//! A follower finds new rows without reading all days: it reads the partitions near the time of the
//! commit (`search`) and the days in `late_days`. A follower that is far behind uses an index of
//! the positions of each day (`day_index`).

mod anchor;
mod batch;
mod cursor;
mod day_index;
mod days;
mod search;
mod tail;

use jiff::Timestamp;
use sqlx::{Connection, PgConnection};

use self::{cursor::Cursor, day_index::LogRange, search::Search};
use super::Error;

pub use crate::config::Start;

pub use self::{anchor::Gap, batch::Batch, cursor::lock, search::Lag, search::lag, search::lags};
pub(super) use self::{
    days::{day_range, ranges, within, within_fixed},
    tail::Tail,
};

/// Reads the last drawn position. No start is beyond it: later events would be left out unseen. The
/// statement that reads it also takes the time of a catch-up, so that nothing is committed between.
pub(super) const DRAWN: &str =
    "(SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM event_position)";

impl Start {
    /// Last position to leave out, unless [`DRAWN`] is lower.
    pub(super) fn position(self) -> i64 {
        match self {
            Self::Beginning => 0,
            Self::Now => i64::MAX,
            Self::After(position) => position.max(0),
        }
    }
}

/// Handler of the batches of a follower.
pub trait Consumer: Send {
    /// Writes the result of `batch` through `conn`, inside the transaction that moves the cursor.
    /// The consumer must neither end this transaction nor begin another.
    fn consume(
        &mut self,
        conn: &mut PgConnection,
        batch: &Batch,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

/// Named reader of the log.
#[derive(Debug)]
pub struct Follower {
    name: String,
    start: Start,
    limit: u32,
    search: Search,
    /// Time of the last idle turn.
    idle_at: Option<Timestamp>,
}

/// Result of one turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// There are no rows behind the cursor.
    Idle,
    /// The cursor moved; there may be more rows.
    Moved(Lag),
    /// Another session holds the follower's row, or moved the cursor first.
    Taken,
}

impl Follower {
    /// Creates the follower `name`. One transaction takes at most `limit` rows.
    pub fn new(name: impl Into<String>, start: Start, limit: u32) -> Self {
        Self {
            name: name.into(),
            start,
            limit,
            search: Search::default(),
            idle_at: None,
        }
    }

    /// Name of the follower.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Processes one batch. `conn` is a session of [`connect_follower`](super::connect_follower).
    ///
    /// # Errors
    /// If Postgres is unavailable, or if the consumer fails. The transaction is then rolled back,
    /// unless only the answer to its commit was lost. The caller must drop the session.
    pub async fn turn(
        &mut self,
        conn: &mut PgConnection,
        consumer: &mut impl Consumer,
    ) -> Result<Turn, Error> {
        let cursor = cursor::load_or_begin(conn, &self.name, self.start).await?;
        let Some(range) = self.search.next(conn, &cursor).await? else {
            self.rest(conn, &cursor).await?;
            return Ok(Turn::Idle);
        };
        let mut tx = conn.begin().await?;
        if cursor::lock(&mut tx, &self.name).await? != Some(cursor.position) {
            tx.rollback().await?;
            return Ok(Turn::Taken);
        }
        let (batch, count) = Batch::first_of(&mut tx, &cursor, &range, self.limit).await?;
        if count > 0 {
            consumer.consume(&mut tx, &batch).await?;
        }
        let caught_up_at = (batch.through == range.end).then_some(range.at);
        cursor::advance(&mut tx, &self.name, batch.through, caught_up_at).await?;
        tx.commit().await?;
        Ok(Turn::Moved(self.lag(&cursor, &range, batch.through)))
    }

    /// Records an idle turn at most once an hour, so that later turns read few days.
    async fn rest(&mut self, conn: &mut PgConnection, cursor: &Cursor) -> Result<(), Error> {
        self.idle_at = Some(cursor.now);
        if cursor.is_stale() {
            cursor::rest(conn, &self.name, cursor).await?;
        }
        Ok(())
    }

    fn lag(&self, cursor: &Cursor, range: &LogRange, position: i64) -> Lag {
        let done_at = self.idle_at.max(cursor.caught_up_at);
        Lag::between(
            position,
            range.end,
            done_at.unwrap_or(cursor.began_at),
            cursor.now,
        )
    }
}
