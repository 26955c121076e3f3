//! Lists of events in either direction, and searches of their texts.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::{EventForm, Session, event};
use crate::store::{
    Error,
    read::{Between, EventFilter, EventRow, Extent, Order, StatsFilter, StepSize, statement},
};

/// Maximum time of a search.
const SEARCHING: Duration = Duration::from_secs(2);

/// Maximum time of a statement of a search: a slow step is repeated with fewer events.
const STEP: Duration = Duration::from_millis(400);

/// Maximum time span of a search: the days of one request.
const SEARCHED: SignedDuration = SignedDuration::from_hours(24);

/// Part of the list of events.
#[derive(Clone, Debug)]
pub struct EventPage {
    /// Filter of the list.
    pub filter: EventFilter,
    /// Range of positions.
    pub range: Between,
    /// Order of the events.
    pub order: Order,
    /// Maximum number of events.
    pub limit: u32,
}

/// Events of a search.
#[derive(Clone, Debug)]
pub struct Found {
    /// The events, newest first.
    pub events: Vec<EventForm>,
    /// Every event received since this time, and before the end of the filter, was searched.
    pub searched_until: Timestamp,
    /// True if the search reached the start of the filter.
    pub complete: bool,
    /// End and position at which the next request continues.
    pub next: Option<(Timestamp, Option<i64>)>,
}

impl EventPage {
    /// Statement for the events of the page, to be run in `psql`.
    pub fn statement(&self) -> String {
        statement(&self.filter, self.range, (self.order, self.limit))
    }
}

impl Session {
    /// Reads a page of events.
    pub async fn events(&mut self, page: &EventPage) -> Result<Vec<EventForm>, Error> {
        let order = (page.order, page.limit);
        let content = self.scope.shows_content();
        let events = self
            .reader
            .events(&page.filter, page.range, order, content)
            .await?;
        Ok(self.forms(events))
    }

    /// JSON forms of events, without content if the scope does not show it.
    pub(super) fn forms(&self, events: Vec<EventRow>) -> Vec<EventForm> {
        let content = self.scope.shows_content();
        events.into_iter().map(|row| event(row, content)).collect()
    }

    /// Extent of the events that meet a filter: counts by hour, kind, app, account, client and
    /// source. Other filters are not counted and can only select fewer.
    pub(super) async fn extent(&mut self, filter: &EventFilter) -> Result<Extent, Error> {
        let counted = StatsFilter {
            kinds: filter.kinds.clone(),
            app: filter.app.clone(),
            account_ids: filter.account_ids.clone(),
            client: filter.client.clone(),
            sources: filter.sources.clone(),
            since: filter.since,
            until: filter.until,
        };
        let counts = self.reader.counts(&counted, &[]).await?;
        // A search for the first event would read all events.
        let filter = EventFilter {
            text: None,
            payload: None,
            ..filter.clone()
        };
        let mut bounds = [None, None];
        for (bound, order) in bounds.iter_mut().zip([Order::Oldest, Order::Newest]) {
            let range = Between::default();
            let events = self
                .reader
                .events(&filter, range, (order, 1), false)
                .await?;
            *bound = events.first().map(|event| event.received_at);
        }
        let [first, last] = bounds;
        Ok(Extent {
            rows_at_most: Some(counts.events),
            first,
            last,
        })
    }

    /// Position of the last committed item.
    pub async fn end_of_log(&mut self) -> Result<i64, Error> {
        let lag = self.reader.counting().await?;
        Ok(lag.map_or(0, |lag| lag.position + lag.positions))
    }

    /// Searches the texts and payloads of events backward from the end of the filter, over at most
    /// a day and for about two seconds. Without a start, the search begins a day before `now`.
    pub async fn search(&mut self, page: &EventPage, now: Timestamp) -> Result<Found, Error> {
        let (began, mut size) = (Instant::now(), StepSize::new(STEP));
        let until = page.filter.until.unwrap_or(now);
        let a_day_before = until.checked_sub(SEARCHED).unwrap_or(Timestamp::MIN);
        let since = page.filter.since.unwrap_or(a_day_before);
        let start = since.max(a_day_before);
        let filter = EventFilter {
            since: Some(start),
            until: page.filter.until,
            ..page.filter.clone()
        };
        let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
        let (mut positions, mut reached) = (Vec::new(), None);
        let mut before = page.range.before;
        let ended = loop {
            let step_began = Instant::now();
            let range = Between {
                after: None,
                before,
            };
            let step = self
                .reader
                .search(&filter, range, Order::Newest, size.next());
            match step.await {
                Err(Error::TimedOut) if size.shrink() => {}
                step => {
                    let step = step?;
                    size.adapt(step_began.elapsed());
                    positions.extend(step.found.iter().map(|(position, _)| *position));
                    let Some((last, at)) = step.last else {
                        break true;
                    };
                    (before, reached) = (Some(last), Some(at));
                }
            }
            // Every request makes progress.
            // There may be no time for a further step.
            let is_over = began.elapsed() + STEP > SEARCHING;
            if positions.len() >= limit || (reached.is_some() && is_over) {
                break false;
            }
        };
        positions.truncate(limit);
        let events = self.events_at(&filter, &positions).await?;
        if let Some(last) = events.last().filter(|_| positions.len() == limit) {
            (before, reached) = (Some(last.position), Some(last.received_at));
        }
        let is_day_searched = ended && positions.len() < limit;
        let complete = is_day_searched && start <= since;
        let next = match (complete, is_day_searched) {
            (true, _) => None,
            (false, true) => Some((start, None)),
            (false, false) => Some((until, before)),
        };
        let reached = reached.unwrap_or(until);
        Ok(Found {
            events: self.forms(events),
            searched_until: if is_day_searched { start } else { reached },
            complete,
            next,
        })
    }

    async fn events_at(
        &mut self,
        filter: &EventFilter,
        positions: &[i64],
    ) -> Result<Vec<EventRow>, Error> {
        if positions.is_empty() {
            return Ok(Vec::new());
        }
        let found = EventFilter {
            positions: positions.to_vec(),
            since: filter.since,
            until: filter.until,
            ..EventFilter::default()
        };
        let limit = u32::try_from(positions.len()).unwrap_or(u32::MAX);
        let content = self.scope.shows_content();
        let order = (Order::Newest, limit);
        self.reader
            .events(&found, Between::default(), order, content)
            .await
    }
}
