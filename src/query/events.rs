//! Pages of events in order of position, a thousand at a time.

use jiff::{SignedDuration, Timestamp};

use super::{Page, Session};
use crate::store::{
    Error,
    read::{Between, EventFilter, EventRow, Order},
};

/// Maximum number of events per read: payloads may be large.
const AT_ONCE: u32 = 1000;

/// Time span of a text search without a start: no index supports the search.
const SEARCHED: SignedDuration = SignedDuration::from_hours(24);

/// Reader of a page of events, oldest first.
#[derive(Debug)]
pub struct Events {
    /// Unread part of the page.
    left: Page<EventFilter, i64>,
    payloads: bool,
    assumed_since: Option<Timestamp>,
}

impl Events {
    /// Creates a reader of `page`. A text search without a start covers the day before the end of
    /// the filter, or the day before `now`.
    pub fn of(mut page: Page<EventFilter, i64>, now: Timestamp) -> Self {
        let assumed_since = start_of_search(&page.filter, now);
        page.filter.since = page.filter.since.or(assumed_since);
        Self {
            left: page,
            payloads: true,
            assumed_since,
        }
    }

    /// Reads no payloads. The payloads of a page cost a second statement.
    #[must_use]
    pub fn without_payloads(mut self) -> Self {
        self.payloads = false;
        self
    }

    /// Start assumed for a text search; `None` if the filter has no text or has its own start.
    pub fn assumed_since(&self) -> Option<Timestamp> {
        self.assumed_since
    }

    /// Reads the next events; an empty list marks the end.
    pub async fn next(&mut self, session: &mut Session) -> Result<Vec<EventRow>, Error> {
        let (reader, left) = (&mut session.reader, &mut self.left);
        if left.limit == 0 {
            return Ok(Vec::new());
        }
        if left.after.is_none() {
            let first = reader.newest_events_begin(&left.filter, left.limit).await?;
            left.after = first.map(|first| first.saturating_sub(1));
        }
        let Some(after) = left.after else {
            return Ok(Vec::new());
        };
        let size = left.limit.min(AT_ONCE);
        let range = Between {
            after: Some(after),
            before: None,
        };
        let (page, payloads) = ((Order::Oldest, size), self.payloads);
        let events = reader.events(&left.filter, range, page, payloads).await?;
        let full = events.len() == usize::try_from(size).unwrap_or(usize::MAX);
        left.limit = if full { left.limit - size } else { 0 };
        left.after = events.last().map(|last| last.position).or(left.after);
        Ok(events)
    }
}

fn start_of_search(filter: &EventFilter, now: Timestamp) -> Option<Timestamp> {
    if filter.text.is_none() || filter.since.is_some() {
        return None;
    }
    let until = filter.until.unwrap_or(now);
    Some(until.checked_sub(SEARCHED).unwrap_or(Timestamp::MIN))
}
