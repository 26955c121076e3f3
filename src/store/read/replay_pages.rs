//! Events of replays, page by page.

use std::time::{Duration, Instant};

use jiff::{Timestamp, ToSpan as _};
use sqlx::{PgConnection, postgres::PgConnectOptions};

use super::{
    Between, Error, EventFilter, EventRow, Order, Reader, answer, events_at,
    steps::{Step, StepSize},
};
use crate::store::replays::ReplayChoice;

/// Place and size of a page.
#[derive(Clone, Copy, Debug)]
pub struct ReplayRange<'r> {
    /// Name of the consumer.
    pub consumer: &'r str,
    /// Position before the first event.
    pub after: i64,
    /// Last position.
    pub through: i64,
    /// Maximum number of events.
    pub limit: u32,
}

/// Events of a page, without payloads.
#[derive(Debug)]
pub struct ReplayPage {
    /// The events, the oldest first.
    pub events: Vec<EventRow>,
    /// Position up to which these are all events.
    pub through: i64,
}

/// Maximum time of a statement. A slow step is repeated with fewer events.
const STEP: Duration = Duration::from_secs(4);

/// Session that reads the events of replays.
#[derive(Debug)]
pub struct ReplayReader {
    reader: Reader,
    size: StepSize,
}

impl ReplayReader {
    /// Opens a session on the server of `options`.
    ///
    /// # Errors
    /// If Postgres is unavailable.
    pub async fn open(options: &PgConnectOptions) -> Result<Self, Error> {
        Ok(Self {
            reader: Reader::open(options).await?,
            size: StepSize::new(STEP),
        })
    }

    /// Reads the first events of a range that a replay chooses. Few events may meet the filter: the
    /// page ends after a step of the search, with or without events.
    ///
    /// # Errors
    /// If Postgres is unavailable or does not answer in time. The session is not to be used again.
    pub async fn page(
        &mut self,
        choice: &ReplayChoice,
        range: ReplayRange<'_>,
    ) -> Result<ReplayPage, Error> {
        loop {
            let began = Instant::now();
            let step = self.size.next();
            match self.reader.replay_page(choice, range, step).await {
                Err(Error::TimedOut) if self.size.shrink() => {}
                page => {
                    self.size.adapt(began.elapsed());
                    return page;
                }
            }
        }
    }
}

impl Reader {
    async fn replay_page(
        &mut self,
        choice: &ReplayChoice,
        range: ReplayRange<'_>,
        mut step: Step,
    ) -> Result<ReplayPage, Error> {
        if choice.of_dead {
            return self.dead_page(&choice.filter, range).await;
        }
        let nothing = ReplayPage {
            events: Vec::new(),
            through: range.through,
        };
        let Some(filter) = self.in_time(&choice.filter).await? else {
            return Ok(nothing);
        };
        step.found = step.found.min(range.limit);
        let between = between(range.after, range.through);
        let searched = self.search(&filter, between, Order::Oldest, step).await?;
        let Some((last, _)) = searched.last else {
            return Ok(nothing);
        };
        let is_full = searched.found.len() >= step.found as usize;
        let found = searched.found.iter().map(|(at, time)| (*at, Some(*time)));
        let end = searched.found.last().filter(|_| is_full);
        Ok(ReplayPage {
            events: events_at(&mut self.conn, &found.collect::<Vec<_>>()).await?,
            through: end.map_or(last, |(position, _)| *position),
        })
    }

    /// Reads the events of the first dead letters of a range.
    async fn dead_page(
        &mut self,
        filter: &EventFilter,
        range: ReplayRange<'_>,
    ) -> Result<ReplayPage, Error> {
        let letters = answer(letters(&mut self.conn, range)).await?;
        let is_full = letters.len() >= range.limit as usize;
        let end = letters.last().filter(|_| is_full);
        let through = end.map_or(range.through, |(position, ..)| *position);
        let of_letters = among_letters(filter, &letters);
        let events = match &of_letters {
            Some(filter) => {
                let page = (Order::Oldest, range.limit);
                self.events(filter, Between::default(), page, false).await?
            }
            None => Vec::new(),
        };
        Ok(ReplayPage { events, through })
    }
}

fn between(after: i64, through: i64) -> Between {
    Between {
        after: Some(after),
        before: Some(through.saturating_add(1)),
    }
}

/// Position, receipt and state of a dead letter.
type Letter = (i64, jiff_sqlx::Timestamp, String);

/// First dead letters of a range, in every state: there may be many settled ones before the next
/// other one.
async fn letters(conn: &mut PgConnection, range: ReplayRange<'_>) -> sqlx::Result<Vec<Letter>> {
    let letters = sqlx::query_as(
        "SELECT position, received_at, state FROM dead_letters
         WHERE consumer = $1 AND position > $2 AND position <= $3 ORDER BY position LIMIT $4",
    );
    let letters = letters.bind(range.consumer).bind(range.after);
    let letters = letters.bind(range.through).bind(i64::from(range.limit));
    letters.fetch_all(conn).await
}

/// The filter for the events of letters that are neither settled nor discarded; `None` if there are
/// no such letters.
fn among_letters(filter: &EventFilter, letters: &[Letter]) -> Option<EventFilter> {
    let is_open = |state: &str| matches!(state, "dead" | "retried");
    let is_wanted = |at: &i64| filter.positions.is_empty() || filter.positions.contains(at);
    let open = letters.iter().filter(|(_, _, state)| is_open(state));
    let open: Vec<(i64, Timestamp)> = open
        .map(|(at, time, _)| (*at, time.to_jiff()))
        .filter(|(at, _)| is_wanted(at))
        .collect();
    let times = || open.iter().map(|(_, time)| *time);
    let (first, last) = times().min().zip(times().max())?;
    let end = last.checked_add(1.microsecond()).ok();
    Some(EventFilter {
        positions: open.iter().map(|(at, _)| *at).collect(),
        since: filter.since.max(Some(first)),
        until: [filter.until, end].into_iter().flatten().min(),
        ..filter.clone()
    })
}
