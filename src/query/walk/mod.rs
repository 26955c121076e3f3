//! Walks over whole lists, for exports: a page per statement, up to the end of the log at their
//! start.
//!
//! A walk goes in an order that later rows do not change, so that it misses and repeats nothing
//! while events arrive.

mod audit;
mod deliveries;
mod events;
mod lists;
mod rejections;

use serde::Serialize;

use super::Session;
use crate::store::{Error, read::Extent};

pub use audit::AuditWalk;
pub use deliveries::DeliveryWalk;
pub use events::EventWalk;
pub(crate) use lists::ListWalk;
pub use rejections::RejectionWalk;

/// Maximum number of rows per page.
pub(super) const AT_ONCE: u32 = 1000;

/// A whole list, read page by page.
pub trait Walk: Send + 'static {
    /// Row of the list.
    type Row: Serialize + Default + Send;

    /// Reads the next page, which may be empty; `None` behind the last page.
    fn next(
        &mut self,
        session: &mut Session,
    ) -> impl Future<Output = Result<Option<Vec<Self::Row>>, Error>> + Send;

    /// Reads some rows at the start of the list; none if they take long to find.
    fn sample(
        &mut self,
        session: &mut Session,
    ) -> impl Future<Output = Result<Vec<Self::Row>, Error>> + Send {
        async { Ok(self.next(session).await?.unwrap_or_default()) }
    }

    /// Extent of the list.
    fn extent(&self, session: &mut Session) -> impl Future<Output = Result<Extent, Error>> + Send;
}

/// Last row of a full page: another page follows.
fn last_if_full<T>(rows: &[T]) -> Option<&T> {
    rows.last().filter(|_| rows.len() >= AT_ONCE as usize)
}
