//! Tail of the log: reads rows behind a position, without a stored cursor.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use sqlx::PgConnection;

use super::{
    super::Error,
    anchor::{self, Gap},
    batch::Batch,
    cursor::{self, Cursor},
    day_index::LogRange,
    search::{self, Search},
};

/// Maximum age of the reading of the database's clock. Its only use is the choice of days.
const CLOCK: Duration = Duration::from_secs(1);

/// Reader of the log, range by range.
#[derive(Debug)]
pub(in crate::store) struct Tail {
    cursor: Cursor,
    search: Search,
    /// End of the log at the last look.
    end: i64,
    clock_read: Instant,
}

impl Tail {
    /// Begins behind the last committed position. The search for the end of the log starts at the
    /// position of the follower `near`.
    pub(in crate::store) async fn begin(
        conn: &mut PgConnection,
        near: &str,
    ) -> Result<Self, Error> {
        let mut cursor = match cursor::load(conn, near).await? {
            Some(cursor) => cursor,
            None => Cursor::at_the_beginning(cursor::clock(conn).await?),
        };
        cursor.position = search::ahead(conn, &cursor).await?.end(&cursor);
        cursor.caught_up_at = Some(cursor.now);
        Ok(Self::at(cursor, Search::default()))
    }

    /// Begins behind `position`, with everything committed before `caught_up_at` read. Also returns
    /// the gap if `position` is older than every stored row.
    pub(in crate::store) async fn after(
        conn: &mut PgConnection,
        position: i64,
        caught_up_at: Option<Timestamp>,
    ) -> Result<(Self, Option<Gap>), Error> {
        let (cursor, search, gap) = anchor::enter(conn, position, caught_up_at).await?;
        Ok((Self::at(cursor, search), gap))
    }

    fn at(cursor: Cursor, search: Search) -> Self {
        Self {
            end: cursor.position,
            cursor,
            search,
            clock_read: Instant::now(),
        }
    }

    /// End of the last range.
    pub(in crate::store) fn position(&self) -> i64 {
        self.cursor.position
    }

    /// Every row committed before this time has a position up to the end of the last range. `None` if
    /// the range did not reach the end of the log.
    pub(in crate::store) fn caught_up_at(&self) -> Option<Timestamp> {
        self.cursor.caught_up_at.filter(|_| self.is_at_the_end())
    }

    /// True if the last range reached the end of the log.
    pub(in crate::store) fn is_at_the_end(&self) -> bool {
        self.cursor.position >= self.end
    }

    /// The next range; `None` if there are no more rows.
    pub(in crate::store) async fn next(
        &mut self,
        conn: &mut PgConnection,
    ) -> Result<Option<Batch>, Error> {
        if self.clock_read.elapsed() > CLOCK {
            self.cursor.now = cursor::clock(conn).await?;
            self.clock_read = Instant::now();
        }
        let Some(range) = self.search.next(conn, &self.cursor).await? else {
            // A long idle time must not lead to a search of many days.
            self.cursor.caught_up_at = Some(self.cursor.now);
            return Ok(None);
        };
        let batch = Batch::of(&self.cursor, &range);
        self.pass(&range);
        Ok(Some(batch))
    }

    fn pass(&mut self, range: &LogRange) {
        self.cursor.position = range.through;
        self.end = range.end;
        if range.through == range.end {
            self.cursor.caught_up_at = Some(range.at);
        }
    }
}
