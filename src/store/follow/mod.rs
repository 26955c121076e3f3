//! Followers: readers of the log of positions, each with a cursor of its own in `followers`.
//!
//! Positions appear in the order of commits, so whoever reads forward misses nothing. A turn hands
//! the next batch to a [`Consumer`], which writes its result in the transaction that moves the
//! cursor: whatever ends it, either both happened or neither. Sessions on the same follower take
//! turns by the lock on its row.
//!
//! Where there is something to read is found without touching other days: the partitions around
//! the time of the commit (`look`), those that `late_days` names, and for a follower that is far
//! behind a chart of which day holds which positions.

mod batch;
mod chart;
mod cursor;
mod days;
mod look;
mod tail;

use jiff::Timestamp;
use sqlx::{Connection, PgConnection};

use self::{
    chart::{Chart, Stretch},
    cursor::Cursor,
};
use super::Error;

pub use self::{batch::Batch, cursor::lock, look::Lag, look::lag};
pub(super) use self::{
    days::{day_range, ranges, within},
    tail::Tail,
};

/// Where a follower begins that has never been here before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the first event that is stored.
    Beginning,
    /// Behind the last one.
    Now,
}

/// What a follower does with what it reads.
pub trait Consumer: Send {
    /// Writes the result of `batch` through `conn`, which is inside the transaction that moves the
    /// cursor: it must neither end it nor begin another.
    fn consume(
        &mut self,
        conn: &mut PgConnection,
        batch: &Batch,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

/// A reader of the log, by its name.
#[derive(Debug)]
pub struct Follower {
    name: String,
    start: Start,
    limit: u32,
    chart: Option<Chart>,
    /// When it last found nothing more to do.
    idle_at: Option<Timestamp>,
}

/// What one turn came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// There is nothing behind the cursor.
    Idle,
    /// The cursor moved; there may be more.
    Moved(Lag),
    /// Another session is at it, or was quicker.
    Taken,
}

impl Follower {
    /// The follower called `name`, which takes at most `limit` rows in one transaction.
    pub fn new(name: impl Into<String>, start: Start, limit: u32) -> Self {
        Self {
            name: name.into(),
            start,
            limit,
            chart: None,
            idle_at: None,
        }
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Takes one batch further. `conn` is a session of [`connect_follower`](super::connect_follower).
    ///
    /// # Errors
    /// Where Postgres is away, or the consumer fails; nothing moved then, and the session is to be
    /// given up.
    pub async fn turn(
        &mut self,
        conn: &mut PgConnection,
        consumer: &mut impl Consumer,
    ) -> Result<Turn, Error> {
        let cursor = cursor::load_or_begin(conn, &self.name, self.start).await?;
        let Some(stretch) = self.find(conn, &cursor).await? else {
            self.rest(conn, &cursor).await?;
            return Ok(Turn::Idle);
        };
        let mut tx = conn.begin().await?;
        if cursor::lock(&mut tx, &self.name).await? != Some(cursor.position) {
            tx.rollback().await?;
            return Ok(Turn::Taken);
        }
        let (batch, count) = Batch::first_of(&mut tx, &cursor, &stretch, self.limit).await?;
        if count > 0 {
            consumer.consume(&mut tx, &batch).await?;
        }
        let caught_up_at = (batch.through == stretch.end).then_some(stretch.at);
        cursor::advance(&mut tx, &self.name, batch.through, caught_up_at).await?;
        tx.commit().await?;
        Ok(Turn::Moved(self.lag(&cursor, &stretch, batch.through)))
    }

    /// The next stretch of the log; none where the cursor is at its end.
    async fn find(
        &mut self,
        conn: &mut PgConnection,
        cursor: &Cursor,
    ) -> Result<Option<Stretch>, Error> {
        self.chart
            .take_if(|chart| chart.through() <= cursor.position);
        if let Some(chart) = &self.chart {
            return Ok(Some(chart.stretch(cursor.position)));
        }
        let found = look::ahead(conn, cursor).await?;
        let stretch = found.stretch(cursor);
        self.chart = found.into_chart();
        Ok(stretch)
    }

    /// Says at most once an hour that everything was done, so that the days to look at stay few.
    async fn rest(&mut self, conn: &mut PgConnection, cursor: &Cursor) -> Result<(), Error> {
        self.idle_at = Some(cursor.now);
        if cursor.is_stale() {
            cursor::rest(conn, &self.name, cursor).await?;
        }
        Ok(())
    }

    fn lag(&self, cursor: &Cursor, stretch: &Stretch, position: i64) -> Lag {
        let done_at = self.idle_at.max(cursor.caught_up_at);
        Lag::between(
            position,
            stretch.end,
            done_at.unwrap_or(cursor.began_at),
            cursor.now,
        )
    }
}
