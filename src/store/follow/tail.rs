//! Tail of the log: reads rows committed from now on, without a stored cursor.

use sqlx::PgConnection;

use super::{
    super::Error,
    batch::Batch,
    cursor::{self, Cursor},
    day_index::LogRange,
    search,
};

/// Reader of the log from its end on, range by range.
#[derive(Debug)]
pub(in crate::store) struct Tail {
    cursor: Cursor,
    /// End of the log at the last look.
    end: i64,
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
        let end = cursor.position;
        Ok(Self { cursor, end })
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
        self.cursor.now = cursor::clock(conn).await?;
        let Some(range) = search::ahead(conn, &self.cursor).await?.range(&self.cursor) else {
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
