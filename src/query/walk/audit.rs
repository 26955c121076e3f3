//! All entries of the audit of a filter, in the order of their writing.

use super::{AT_ONCE, Walk, last_if_full};
use crate::{
    query::Session,
    store::{
        Error,
        audit::AuditFilter,
        read::{AuditRow, Extent},
    },
};

/// Walk over the audit.
#[derive(Clone, Debug)]
pub struct AuditWalk {
    filter: AuditFilter,
    /// Entry before the rest of the list; `None` behind its end.
    after: Option<i64>,
    /// Last entry at the start.
    end: i64,
}

impl AuditWalk {
    /// The entries up to now.
    pub async fn begin(session: &mut Session, filter: AuditFilter) -> Result<Self, Error> {
        Ok(Self {
            filter,
            after: Some(0),
            end: session.reader.end_of_audit().await?,
        })
    }
}

impl Walk for AuditWalk {
    type Row = AuditRow;

    async fn next(&mut self, session: &mut Session) -> Result<Option<Vec<AuditRow>>, Error> {
        let Some(after) = self.after else {
            return Ok(None);
        };
        let (filter, range) = (&self.filter, (after, self.end));
        let rows = session.reader.audit_between(filter, range, AT_ONCE).await?;
        self.after = last_if_full(&rows).map(|last| last.id);
        Ok(Some(rows))
    }

    async fn extent(&self, session: &mut Session) -> Result<Extent, Error> {
        session.reader.extent_of_audit(&self.filter, self.end).await
    }
}
