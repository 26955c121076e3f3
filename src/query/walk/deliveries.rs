//! All deliveries of a filter, in order of their ids.

use uuid::Uuid;

use super::{AT_ONCE, Walk, last_if_full};
use crate::{
    query::Session,
    store::{
        Error,
        read::{DeliveryFilter, DeliveryRow, Extent},
    },
};

/// Walk over deliveries.
#[derive(Clone, Debug)]
pub struct DeliveryWalk {
    filter: DeliveryFilter,
    /// Id before the rest of the list; `None` behind its end.
    after: Option<Uuid>,
    /// Newest delivery at the start.
    newest: DeliveryRow,
}

impl DeliveryWalk {
    /// The stored deliveries behind the id `after`.
    pub async fn begin(
        session: &mut Session,
        filter: DeliveryFilter,
        after: Option<Uuid>,
    ) -> Result<Self, Error> {
        let newest = session.reader.deliveries(&filter, None, 1).await?.pop();
        Ok(Self {
            after: newest.as_ref().and(Some(after.unwrap_or_default())),
            newest: newest.unwrap_or_default(),
            filter,
        })
    }
}

impl Walk for DeliveryWalk {
    type Row = DeliveryRow;

    async fn next(&mut self, session: &mut Session) -> Result<Option<Vec<DeliveryRow>>, Error> {
        let Some(after) = self.after else {
            return Ok(None);
        };
        let read = session
            .reader
            .deliveries(&self.filter, Some(after), AT_ONCE);
        let mut rows = read.await?;
        rows.retain(|row| row.id <= self.newest.id);
        self.after = last_if_full(&rows).map(|last| last.id);
        Ok(Some(rows))
    }

    /// Deliveries are not counted: the counts by hour are of events.
    async fn extent(&self, session: &mut Session) -> Result<Extent, Error> {
        let Some(after) = self.after else {
            return Ok(Extent {
                rows_at_most: Some(0),
                ..Extent::default()
            });
        };
        let first = session.reader.deliveries(&self.filter, Some(after), 1);
        Ok(Extent {
            rows_at_most: None,
            first: first.await?.pop().map(|first| first.received_at),
            last: Some(self.newest.received_at),
        })
    }
}
