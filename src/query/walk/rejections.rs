//! All counts of rejections of a filter, in order of their hours.

use jiff::Timestamp;

use super::{AT_ONCE, Walk, last_if_full};
use crate::{
    query::{ExplainedRejection, Remedies, Session},
    store::{
        Error,
        read::{Extent, RejectionFilter, RejectionRow},
    },
};

/// Walk over counts of rejections.
#[derive(Debug)]
pub struct RejectionWalk {
    filter: RejectionFilter,
    remedies: Remedies,
    /// Row before the rest of the list.
    after: Option<RejectionRow>,
    is_ended: bool,
}

impl RejectionWalk {
    /// The counts of hours that began before `now`, explained by `remedies`.
    pub fn new(mut filter: RejectionFilter, remedies: Remedies, now: Timestamp) -> Self {
        filter.until = Some(filter.until.map_or(now, |until| until.min(now)));
        Self {
            filter,
            remedies,
            after: None,
            is_ended: false,
        }
    }
}

impl Walk for RejectionWalk {
    type Row = ExplainedRejection;

    async fn next(
        &mut self,
        session: &mut Session,
    ) -> Result<Option<Vec<ExplainedRejection>>, Error> {
        if self.is_ended {
            return Ok(None);
        }
        let (filter, after) = (&self.filter, self.after.as_ref());
        let read = session.reader.rejections_after(filter, after, AT_ONCE);
        let rows = read.await?;
        self.after = last_if_full(&rows).cloned();
        self.is_ended = self.after.is_none();
        let explained = rows.into_iter().map(|row| self.remedies.explain(row));
        Ok(Some(explained.collect()))
    }

    async fn extent(&self, session: &mut Session) -> Result<Extent, Error> {
        session.reader.extent_of_rejections(&self.filter).await
    }
}
