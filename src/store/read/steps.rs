//! Steps of a search in the log: each reads a limited number of events, in a limited time.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Postgres, QueryBuilder};

use super::{
    Between, Error, EventFilter, Order, Reader, answer,
    list::{Access, List},
};

/// Events of the first step, and at most of each.
const FIRST: u32 = 2_000;
const LARGEST: u32 = 20_000;

/// Rows that one step of a search read and found.
#[derive(Clone, Debug, Default)]
pub struct Searched {
    /// Positions of the events found, with their receipt, in the order of the search. There may be
    /// more if these are as many as the step finds.
    pub found: Vec<(i64, Timestamp)>,
    /// Position and receipt of the last row read; `None` if no row was left to read.
    pub last: Option<(i64, Timestamp)>,
}

/// Size of a step of a search.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Maximum number of events that the step reads.
    pub events: u32,
    /// Maximum number of events that the step finds.
    pub found: u32,
    /// Maximum time of each of its two statements.
    pub time: Duration,
}

/// Sizes of the steps of a search: as large as the time of the steps before allows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StepSize {
    events: u32,
    time: Duration,
}

impl StepSize {
    /// Size of the first step, whose statements take at most `time`.
    pub(crate) fn new(time: Duration) -> Self {
        Self {
            events: FIRST,
            time,
        }
    }

    /// The next step, which finds at most as many events as it reads.
    pub(crate) fn next(&self) -> Step {
        Step {
            events: self.events,
            found: self.events,
            time: self.time,
        }
    }

    /// Makes steps smaller after a step that took too long; false if a step reads one event.
    pub(crate) fn shrink(&mut self) -> bool {
        let was = self.events;
        self.events = (was / 10).max(1);
        was > 1
    }

    /// Adapts to the time of a step.
    pub(crate) fn adapt(&mut self, took: Duration) {
        if took < self.time / 4 {
            self.events = self.events.saturating_mul(2).min(LARGEST);
        } else if took > self.time / 2 {
            self.events = (self.events / 2).max(1);
        }
    }
}

impl Reader {
    /// Reads the first events of a range that an index finds for `filter`, as many as a step reads,
    /// and finds those that meet the whole filter.
    pub async fn search(
        &mut self,
        filter: &EventFilter,
        mut range: Between,
        order: Order,
        step: Step,
    ) -> Result<Searched, Error> {
        let list = self.list(filter).await?;
        let mut tx = self.begin(list.begin()).await?;
        let time = format!("SET LOCAL statement_timeout = {}", step.time.as_millis());
        let time = sqlx::query(AssertSqlSafe(time));
        answer(time.execute(&mut *tx)).await?;
        let mut query = last_of_step(&list, range, (order, step.events));
        let end = query.build_query_as().fetch_optional(&mut *tx);
        let end: Option<(i64, jiff_sqlx::Timestamp)> = answer(end).await?;
        let Some((end, at)) = end else {
            return Ok(Searched::default());
        };
        match order {
            Order::Newest => range.after = Some(end - 1),
            Order::Oldest => range.before = Some(end + 1),
        }
        let page = (order, step.found);
        let mut query = list.select("", "position, received_at", range, page);
        let found = query.build_query_as().fetch_all(&mut *tx);
        let found: Vec<(i64, jiff_sqlx::Timestamp)> = answer(found).await?;
        answer(tx.rollback()).await?;
        let place = |(at, time): (i64, jiff_sqlx::Timestamp)| (at, time.to_jiff());
        Ok(Searched {
            found: found.into_iter().map(place).collect(),
            last: Some((end, at.to_jiff())),
        })
    }
}

/// Selects position and receipt of the last event that a step reads: conditions without an index
/// are left out, and without any index all but the times.
fn last_of_step(list: &List<'_>, range: Between, page: (Order, u32)) -> QueryBuilder<Postgres> {
    let filter = list.filter;
    let filter = if list.access == Access::Planned && !list.is_sparse() {
        EventFilter {
            since: filter.since,
            until: filter.until,
            ..EventFilter::default()
        }
    } else {
        EventFilter {
            kinds: Vec::new(),
            sources: Vec::new(),
            field: None,
            problem: None,
            is_echo: None,
            is_late: None,
            text: None,
            payload: None,
            ..filter.clone()
        }
    };
    let begin = "SELECT position, received_at FROM (";
    let mut query = list
        .of(&filter)
        .select(begin, "position, received_at", range, page);
    query.push(match page.0 {
        Order::Newest => ") AS read ORDER BY position LIMIT 1",
        Order::Oldest => ") AS read ORDER BY position DESC LIMIT 1",
    });
    query
}
