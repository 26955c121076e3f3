//! Times of receipt of the items that an id names.
//!
//! An id alone does not tell the day. To plan a statement with every column for the partitions of
//! ninety days takes 20 ms. The statement here reads the times only, and the session keeps its
//! plan, which takes a megabyte. The statement for the rows then reads the partitions of these
//! times.

use std::borrow::Cow;

use jiff::{Timestamp, ToSpan};
use sqlx::PgConnection;

use super::{Conditions, Error, EventFilter, Reader, answer};

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
        let mut tx = self.begin("BEGIN").await?;
        keep_plan(&mut tx).await?;
        let found = query.0.build_query_as().fetch_one(&mut *tx);
        let (first, last): (Option<jiff_sqlx::Timestamp>, Option<jiff_sqlx::Timestamp>) =
            answer(found).await?;
        answer(tx.rollback()).await?;
        let [first, last] = [first, last].map(|time| time.map(jiff_sqlx::Timestamp::to_jiff));
        let after = last.and_then(|last| last.checked_add(1.microsecond()).ok());
        Ok(first.zip(after).map(|(first, after)| [first, after]))
    }
}

/// Lets the statements of a transaction be planned once in the session, for any parameters.
pub(super) async fn keep_plan(conn: &mut PgConnection) -> Result<(), Error> {
    let set = sqlx::query("SET LOCAL plan_cache_mode = force_generic_plan");
    answer(set.execute(conn)).await.map(|_| ())
}
