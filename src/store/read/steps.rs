//! Steps of a search backward in time: each reads a limited number of events, in a limited time.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Postgres, QueryBuilder};

use super::{Between, Error, EventFilter, Order, Reader, answer, list::List};

/// Rows that one step of a search read and found.
#[derive(Clone, Debug, Default)]
pub struct Searched {
    /// Positions of the events found, the newest first.
    pub found: Vec<i64>,
    /// Position and receipt of the last row read; `None` if no row was left to read.
    pub last: Option<(i64, Timestamp)>,
}

/// Size of a step of a search.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Maximum number of events that the step reads.
    pub events: u32,
    /// Maximum time of each of its two statements.
    pub time: Duration,
}

impl Reader {
    /// Reads the newest events before the position `before` that an index finds for `filter`, as
    /// many as a step reads, and finds those that meet the whole filter.
    pub async fn search(
        &mut self,
        filter: &EventFilter,
        before: Option<i64>,
        step: Step,
    ) -> Result<Searched, Error> {
        let list = self.list(filter).await?;
        let mut tx = self.begin(list.begin()).await?;
        let time = format!("SET LOCAL statement_timeout = {}", step.time.as_millis());
        let time = sqlx::query(AssertSqlSafe(time));
        answer(time.execute(&mut *tx)).await?;
        let mut range = Between {
            after: None,
            before,
        };
        let mut query = last_of_step(&list, range, step.events);
        let end = query.build_query_as().fetch_optional(&mut *tx);
        let end: Option<(i64, jiff_sqlx::Timestamp)> = answer(end).await?;
        let Some((end, at)) = end else {
            return Ok(Searched::default());
        };
        range.after = Some(end - 1);
        let page = (Order::Newest, step.events);
        let mut query = list.select("", "position", range, page);
        let found = answer(query.build_query_scalar().fetch_all(&mut *tx)).await?;
        answer(tx.rollback()).await?;
        Ok(Searched {
            found,
            last: Some((end, at.to_jiff())),
        })
    }
}

/// Selects position and receipt of the last event that a step reads: conditions without an index
/// are left out.
fn last_of_step(list: &List<'_>, range: Between, events: u32) -> QueryBuilder<Postgres> {
    let filter = &EventFilter {
        kinds: Vec::new(),
        sources: Vec::new(),
        field: None,
        problem: None,
        is_echo: None,
        text: None,
        payload: None,
        ..list.filter.clone()
    };
    let begin = "SELECT position, received_at FROM (";
    let page = (Order::Newest, events);
    let mut query = list
        .of(filter)
        .select(begin, "position, received_at", range, page);
    query.push(") AS read ORDER BY position LIMIT 1");
    query
}
