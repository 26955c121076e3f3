//! Orderly end of an ownership: at a stop, at a reload, or if the log ends.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::time::sleep_until;

use super::{DEADLINE, Rest, owned::Owned, within_deadline};
use crate::{
    store::consumers,
    telemetry::{LogEvent, consumers::ConsumerReleased},
};

/// More than any caller waits for events.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

impl Owned<'_> {
    /// Writes what is settled, and gives the consumer up.
    pub(super) async fn end(mut self) -> Rest {
        let end = Instant::now() + DEADLINE;
        self.desk.not_found(Instant::now());
        self.desk.end_waits(end + LONGEST_WAIT);
        while self.is_pending() {
            let now = Instant::now();
            self.desk.expire(now);
            self.start_work(now);
            let next = self.next_time(now);
            tokio::select! {
                flushed = self.flush.done() => {
                    if let Some(rest) = self.flushed(flushed) {
                        return rest;
                    }
                }
                found = self.lookup.done() => self.found(found),
                () = sleep_until(next.into()) => {}
                () = sleep_until(end.into()) => break,
            }
        }
        self.desk.give_up_answers();
        self.release().await;
        let consumer = Arc::clone(&self.consuming.name);
        ConsumerReleased { consumer }.emit();
        Rest::short()
    }

    /// True if there is something to write, or its result is unknown.
    fn is_pending(&self) -> bool {
        self.flush.is_running() || self.is_unwritten() || self.writing.is_some()
    }

    /// Lets another process take the consumer at once. Without Postgres it waits for the end of the
    /// ownership. If something is not written, the next owner takes every head for one that is out.
    async fn release(&mut self) {
        let leases = self.desk.leases(Instant::now());
        let leases = leases.filter(|_| !self.is_pending());
        let (name, generation) = (&self.consuming.name, self.generation);
        // A flush that runs, or failed, has the session.
        let (shared, session) = (&self.consuming.shared, self.connection.take());
        let released = async {
            let mut session = match session {
                Some(session) => session,
                None => shared.connect().await?,
            };
            consumers::release(&mut session, name, generation, leases.as_ref()).await
        };
        let _ = within_deadline(Box::pin(released)).await;
    }
}
