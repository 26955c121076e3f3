//! A look at what is committed from some moment on, by one who keeps no cursor.

use sqlx::PgConnection;

use super::{
    super::Error,
    batch::Batch,
    chart::Stretch,
    cursor::{self, Cursor},
    look,
};

/// Reads the log on from where it began, stretch by stretch.
#[derive(Debug)]
pub(in crate::store) struct Tail {
    cursor: Cursor,
    /// Where the log ended when it was last looked at.
    end: i64,
}

impl Tail {
    /// Begins behind the last position that is committed now. The end of the log is looked for
    /// from where the follower called `near` is.
    pub(in crate::store) async fn begin(
        conn: &mut PgConnection,
        near: &str,
    ) -> Result<Self, Error> {
        let mut cursor = match cursor::load(conn, near).await? {
            Some(cursor) => cursor,
            None => Cursor::at_the_beginning(cursor::clock(conn).await?),
        };
        cursor.position = look::ahead(conn, &cursor).await?.end(&cursor);
        cursor.caught_up_at = Some(cursor.now);
        let end = cursor.position;
        Ok(Self { cursor, end })
    }

    /// Whether the last stretch ended where the log did.
    pub(in crate::store) fn is_at_the_end(&self) -> bool {
        self.cursor.position >= self.end
    }

    /// The next stretch; none where there is nothing more.
    pub(in crate::store) async fn next(
        &mut self,
        conn: &mut PgConnection,
    ) -> Result<Option<Batch>, Error> {
        self.cursor.now = cursor::clock(conn).await?;
        let Some(stretch) = look::ahead(conn, &self.cursor).await?.stretch(&self.cursor) else {
            return Ok(None);
        };
        let batch = Batch::of(&self.cursor, &stretch);
        self.pass(&stretch);
        Ok(Some(batch))
    }

    fn pass(&mut self, stretch: &Stretch) {
        self.cursor.position = stretch.through;
        self.end = stretch.end;
        if stretch.through == stretch.end {
            self.cursor.caught_up_at = Some(stretch.at);
        }
    }
}
