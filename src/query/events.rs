//! Events in the order of their positions, a page at a time.

use crate::store::{
    Error, Reader,
    read::{EventFilter, EventRow},
};

/// How many events one page holds: payloads are as large as senders make them.
const PAGE: u32 = 500;

/// A walk over events, oldest first.
#[derive(Debug)]
pub struct Events {
    filter: EventFilter,
    start: Start,
    left: u32,
}

#[derive(Clone, Copy, Debug)]
enum Start {
    /// So many before the end that `left` are left.
    Newest,
    /// Behind this position.
    After(i64),
}

impl Events {
    /// The newest `limit` events.
    pub fn newest(filter: EventFilter, limit: u32) -> Self {
        Self {
            filter,
            start: Start::Newest,
            left: limit,
        }
    }

    /// The first `limit` events after `position`.
    pub fn after(filter: EventFilter, position: i64, limit: u32) -> Self {
        Self {
            filter,
            start: Start::After(position),
            left: limit,
        }
    }

    /// The next events; none at the end.
    ///
    /// # Errors
    /// Where Postgres is away or does not answer in time.
    pub async fn next_page(&mut self, reader: &mut Reader) -> Result<Vec<EventRow>, Error> {
        if self.left == 0 {
            return Ok(Vec::new());
        }
        let Some(after) = self.begin(reader).await? else {
            return Ok(Vec::new());
        };
        let size = self.left.min(PAGE);
        let page = reader.events_after(&self.filter, after, size).await?;
        let full = page.len() == usize::try_from(size).unwrap_or(usize::MAX);
        self.left = if full { self.left - size } else { 0 };
        if let Some(last) = page.last() {
            self.start = Start::After(last.position);
        }
        Ok(page)
    }

    /// The position behind which the next page begins.
    async fn begin(&self, reader: &mut Reader) -> Result<Option<i64>, Error> {
        match self.start {
            Start::After(position) => Ok(Some(position)),
            Start::Newest => {
                let first = reader.newest_events_begin(&self.filter, self.left).await?;
                Ok(first.map(|first| first.saturating_sub(1)))
            }
        }
    }
}
