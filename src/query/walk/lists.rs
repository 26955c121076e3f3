//! All conversations or all media of a filter, in the order of their ids: the order of their last
//! events changes with every event.

use serde::Serialize;

use super::{AT_ONCE, Walk, last_if_full};
use crate::{
    query::Session,
    store::{
        Error,
        read::{Extent, Listed},
    },
};

/// Walk over conversations or media.
#[derive(Debug)]
pub(crate) struct ListWalk<F: Listed> {
    filter: F,
    /// Row before the rest of the list.
    after: Option<F::Row>,
    is_ended: bool,
    /// End of the log at the start.
    end: i64,
}

impl<F: Listed> ListWalk<F> {
    /// The rows that began up to the position `end`.
    pub(crate) fn new(filter: F, end: i64) -> Self {
        Self {
            filter,
            after: None,
            is_ended: false,
            end,
        }
    }
}

impl<F: Listed> Walk for ListWalk<F>
where
    F::Row: Serialize + Clone + Default,
{
    type Row = F::Row;

    async fn next(&mut self, session: &mut Session) -> Result<Option<Vec<F::Row>>, Error> {
        if self.is_ended {
            return Ok(None);
        }
        let (filter, after) = (&self.filter, self.after.as_ref());
        let rows = session
            .reader
            .by_id(filter, after, self.end, AT_ONCE)
            .await?;
        self.after = last_if_full(&rows).cloned();
        self.is_ended = self.after.is_none();
        Ok(Some(rows))
    }

    async fn extent(&self, session: &mut Session) -> Result<Extent, Error> {
        session.reader.extent_by_id(&self.filter, self.end).await
    }
}
