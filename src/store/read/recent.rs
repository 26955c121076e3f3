//! First page of a list, from the last day only.
//!
//! Without a range of time, each partition may have an event of the list, and all are opened. If the
//! last day has enough events, no earlier day has a newer one, except for events that were committed
//! more than an hour before or after their receipt: `late_days` knows their last position.

use jiff::SignedDuration;

use super::{Between, Error, EventFilter, EventRow, Order, Reader, answer, list::List};
use crate::clock::Clock;

/// Time span of the first look.
const RECENT: SignedDuration = SignedDuration::from_hours(24);

/// Maximum difference of receipts whose order of commits may be another, except for late events.
const MARGIN: SignedDuration = SignedDuration::from_hours(2);

impl Reader {
    /// Reads `columns` of the newest `limit` events of a list from the last day; `None` if other
    /// days may have some of these.
    pub(super) async fn recent_events(
        &mut self,
        list: &List<'_>,
        columns: &str,
        (order, limit): (Order, u32),
    ) -> Result<Option<Vec<EventRow>>, Error> {
        let filter = list.filter;
        let has_range = filter.since.is_some() || filter.until.is_some();
        if has_range || order == Order::Oldest || list.is_sparse() {
            return Ok(None);
        }
        let Ok(since) = Clock::system().now().checked_sub(RECENT) else {
            return Ok(None);
        };
        let recent = EventFilter {
            since: Some(since),
            ..filter.clone()
        };
        let (all, page) = (Between::default(), (order, limit));
        let query = list.of(&recent).select("", columns, all, page);
        let events: Vec<EventRow> = self.rows(list, query).await?;
        let is_full = events.len() == usize::try_from(limit).unwrap_or(usize::MAX);
        let Some(oldest) = events.last().filter(|_| is_full) else {
            return Ok(None);
        };
        let is_certain = oldest.received_at.duration_since(since) > MARGIN;
        if !is_certain || self.is_late_since(oldest.position).await? {
            return Ok(None);
        }
        Ok(Some(events))
    }

    /// True if an event at `position` or later was committed late or early.
    async fn is_late_since(&mut self, position: i64) -> Result<bool, Error> {
        let select = "SELECT EXISTS (SELECT FROM late_days WHERE last_position >= $1)";
        let query = sqlx::query_scalar(select).bind(position);
        answer(query.fetch_one(&mut *self.conn)).await
    }
}
