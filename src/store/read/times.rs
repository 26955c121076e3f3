//! Times of receipt of the items that an id names.
//!
//! An id alone does not tell the day. To plan a statement with every column for the partitions of
//! ninety days takes 20 ms. The statement here reads the times only, and the session keeps its
//! plan, which takes a megabyte. The statement for the rows then reads the partitions of these
//! times.

use std::borrow::Cow;

use jiff::{Timestamp, ToSpan};

use super::{Conditions, Error, EventFilter, Reader, list::KEPT};

impl Reader {
    /// Restricts a filter for ids of items, without a range of time, to the time of their receipt;
    /// `None` if no event has the ids.
    pub(super) async fn in_time<'f>(
        &mut self,
        filter: &'f EventFilter,
    ) -> Result<Option<Cow<'f, EventFilter>>, Error> {
        let has_time = filter.since.is_some() || filter.until.is_some();
        if has_time || filter.delivery.is_some() || !filter.names_items() {
            return Ok(Some(Cow::Borrowed(filter)));
        }
        let found = self
            .times("events", |query| filter.apply_ids(query))
            .await?;
        Ok(found.map(|[since, until]| {
            Cow::Owned(EventFilter {
                since: Some(since),
                until: Some(until),
                ..filter.clone()
            })
        }))
    }

    /// Finds the first time of receipt of the rows of `table` that meet `conditions`, and the time
    /// after the last one; `None` if there are no such rows.
    pub(super) async fn times(
        &mut self,
        table: &str,
        conditions: impl FnOnce(&mut Conditions),
    ) -> Result<Option<[Timestamp; 2]>, Error> {
        let mut query = Conditions::after(&format!(
            "SELECT min(received_at), max(received_at) FROM {table} WHERE"
        ));
        conditions(&mut query);
        let found: Vec<(Option<jiff_sqlx::Timestamp>, Option<jiff_sqlx::Timestamp>)> =
            self.rows_in(KEPT, query.0).await?;
        let times = found
            .into_iter()
            .next()
            .and_then(|(first, last)| first.zip(last));
        Ok(times.and_then(|(first, last)| {
            let after = last.to_jiff().checked_add(1.microsecond()).ok()?;
            Some([first.to_jiff(), after])
        }))
    }
}
