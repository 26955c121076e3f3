//! The log for consumers: all events, without a scope.
//!
//! A consumer hands events out under the rules of its configuration, so its reader needs no scope.
//! Only the feed makes a [`Log`], and the loops of consumers get it. `http` has the hub and cannot
//! make one.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

use super::{Clients, Hub, LogSubscription, ring::Batch, source::Place};
use crate::store::{Error, read::EventRow};

/// The log for consumers. Clones share it.
#[derive(Clone, Debug)]
pub struct Log(Hub);

/// Event in memory.
#[derive(Debug)]
pub struct CachedEvent {
    batch: Arc<Batch>,
    place: usize,
}

impl Log {
    pub(super) fn of(hub: Hub) -> Self {
        Self(hub)
    }

    /// Subscribes to all events behind `position`. Everything committed before `caught_up_at` was
    /// read; the time makes the start cheaper. With `by_client`, the clients of the accounts are at
    /// most a second old while events arrive.
    ///
    /// # Errors
    /// If the clients are needed, and Postgres is unavailable.
    pub async fn subscribe(
        &self,
        position: i64,
        caught_up_at: Option<Timestamp>,
        by_client: bool,
    ) -> Result<LogSubscription, Error> {
        let registered = self.0.register(by_client);
        if by_client {
            self.0.read_clients().await?;
        }
        let place = Place {
            position,
            caught_up_at,
        };
        Ok(LogSubscription::new(registered, place))
    }

    /// The event at `position`, if it was read with its content in the last seconds.
    pub fn cached(&self, position: i64) -> Option<CachedEvent> {
        let (log, found) = {
            let ring = self.0.0.ring.borrow();
            (ring.log(), ring.find(position))
        };
        let found = found.or_else(|| self.0.0.behind.find(log, position));
        let (batch, place) = found.filter(|(batch, _)| batch.is_fresh())?;
        Some(CachedEvent { batch, place })
    }

    /// Waits for one of the sessions that subscribers read with.
    ///
    /// # Errors
    /// If Postgres is unavailable.
    pub async fn session(&self) -> Result<super::PageSession<'_>, Error> {
        self.0.0.pages.session().await
    }

    /// Position up to which the log was read.
    pub fn end(&self) -> i64 {
        self.0.0.ring.borrow().through()
    }

    /// Clients of the accounts, as last read for a subscription with `by_client`.
    pub fn clients(&self) -> Arc<Clients> {
        Arc::clone(&self.0.0.clients.borrow())
    }
}

impl CachedEvent {
    /// The row, without text, `data` and payload.
    pub fn row(&self) -> &Arc<EventRow> {
        &self.batch.events[self.place].event
    }

    /// The event in its JSON form, without line breaks.
    pub fn json(&self, content: bool) -> Bytes {
        self.batch.events[self.place].json(content)
    }
}
