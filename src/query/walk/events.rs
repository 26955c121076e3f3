//! All events of a filter: oldest first, or newest first with a search.

use jiff::Timestamp;

use super::{AT_ONCE, Walk, last_if_full};
use crate::{
    query::{EventForm, EventPage, Session},
    store::{
        Error,
        read::{EventFilter, Extent, Order},
    },
};

/// Walk over events. A search goes backward, as far as its pages.
#[derive(Clone, Debug)]
pub struct EventWalk {
    /// The rest of the list; `None` behind its end.
    rest: Option<EventPage>,
    filter: EventFilter,
    /// Position behind the walk.
    before: i64,
    now: Timestamp,
}

impl EventWalk {
    /// The events of `page` up to the position `end`, in pages of the walk's own size. Without a
    /// start, a search begins a day before `now`.
    pub fn new(mut page: EventPage, end: i64, now: Timestamp) -> Self {
        let behind = end.saturating_add(1);
        let before = page.range.before.map_or(behind, |it| it.min(behind));
        page.range.before = Some(before);
        page.order = Order::Oldest;
        page.limit = AT_ONCE;
        Self {
            filter: page.filter.clone(),
            rest: Some(page),
            before,
            now,
        }
    }

    async fn search(
        &mut self,
        session: &mut Session,
        mut page: EventPage,
    ) -> Result<Vec<EventForm>, Error> {
        let found = session.search(&page, self.now).await?;
        self.rest = found.next.map(|(until, before)| {
            page.filter.until = Some(until);
            page.range.before = Some(before.unwrap_or(self.before));
            page
        });
        Ok(found.events)
    }
}

impl Walk for EventWalk {
    type Row = EventForm;

    async fn next(&mut self, session: &mut Session) -> Result<Option<Vec<EventForm>>, Error> {
        let Some(mut page) = self.rest.take() else {
            return Ok(None);
        };
        if page.filter.is_search() {
            return self.search(session, page).await.map(Some);
        }
        let events = session.events(&page).await?;
        self.rest = last_if_full(&events).map(|last| {
            page.range.after = Some(last.columns().position);
            page
        });
        Ok(Some(events))
    }

    async fn sample(&mut self, session: &mut Session) -> Result<Vec<EventForm>, Error> {
        if self.filter.is_search() {
            return Ok(Vec::new());
        }
        Ok(self.next(session).await?.unwrap_or_default())
    }

    async fn extent(&self, session: &mut Session) -> Result<Extent, Error> {
        session.extent(&self.filter).await
    }
}
