//! Subscription of a consumer to the log.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::time::{Instant, sleep_until};
use tokio_util::task::AbortOnDropHandle;

use super::{
    Registered,
    log_batch::LogBatch,
    ring::{Batch, Next},
    shared_pages::Part,
    source::{Place, Source},
};
use crate::store::Error;

/// Pause after a failure to read from the database.
const SOON: Duration = Duration::from_secs(1);

/// Subscription to the log. Dropping it ends the subscription.
#[derive(Debug)]
pub struct LogSubscription {
    registered: Registered,
    source: Source,
    /// A page that is being read.
    reading: Option<Reading>,
    /// Earliest time of the next page.
    retry_at: Instant,
    /// True if the events come from the ring: the subscription is not behind.
    is_live: bool,
    /// True if pages are read with content.
    content: bool,
}

/// Read in progress.
#[derive(Debug)]
struct Reading {
    /// Position before the ring at the start.
    after: i64,
    task: AbortOnDropHandle<Result<Part, Error>>,
}

impl LogSubscription {
    pub(super) fn new(registered: Registered, place: Place) -> Self {
        Self {
            source: Source::new(&registered.hub, place),
            registered,
            reading: None,
            retry_at: Instant::now(),
            is_live: false,
            content: false,
        }
    }

    /// Waits for the next events. `None` if the server stops, or if the database was replaced by
    /// another. A call that is cancelled loses nothing; a page that is being read goes on.
    ///
    /// # Errors
    /// If Postgres is unavailable, and the events do not come from the ring. The next call waits a
    /// second and tries again from the same position.
    pub async fn next(&mut self) -> Option<Result<LogBatch, Error>> {
        let stop = self.registered.hub.0.stop.clone();
        let next = async {
            loop {
                match self.step().await? {
                    Ok(Some(batch)) => return Some(Ok(batch)),
                    Ok(None) => {}
                    Err(error) => return Some(Err(error)),
                }
            }
        };
        stop.run_until_cancelled(next).await?
    }

    /// Sets if commits of other processes must be noticed within milliseconds: while a worker waits.
    /// Otherwise they are noticed within a second.
    pub fn set_urgent(&mut self, is_urgent: bool) {
        self.registered.set_urgent(is_urgent);
    }

    /// Sets if pages behind the ring are read with content: if the subscriber hands out most of their
    /// events. The others would cost more than they save.
    pub fn set_content(&mut self, content: bool) {
        self.content = content;
    }

    /// Position up to which everything was returned.
    pub fn position(&self) -> i64 {
        self.source.place.position
    }

    /// Everything committed before this time was returned, up to [`position`](Self::position). The
    /// time goes on while there are no events.
    pub fn caught_up_at(&mut self) -> Option<Timestamp> {
        if self.is_live
            && let Some(Next::End(through, at)) = self.source.next()
            && through <= self.position()
        {
            self.source.place.pass(through, at);
        }
        self.source.place.caught_up_at
    }

    /// Returns the next events, or waits. The inner `None` means to look again.
    async fn step(&mut self) -> Option<Result<Option<LogBatch>, Error>> {
        let next = self.source.next()?;
        self.is_live = !matches!(next, Next::Behind(_));
        self.reading.take_if(|_| self.is_live);
        Some(match next {
            Next::Behind(after) => self.read(after).await,
            Next::Batch(batch) => {
                let (through, at_end) = (batch.through, batch.caught_up_at);
                Ok(Some(self.pass(Some(batch), through, at_end)))
            }
            Next::End(through, at_end) if through > self.position() => {
                Ok(Some(self.pass(None, through, at_end)))
            }
            Next::End(..) => {
                self.source.changed().await;
                Ok(None)
            }
        })
    }

    fn pass(
        &mut self,
        batch: Option<Arc<Batch>>,
        through: i64,
        at_end: Option<Timestamp>,
    ) -> LogBatch {
        let after = self.position();
        self.source.place.pass(through, at_end);
        LogBatch {
            after,
            through,
            at_end,
            gap: None,
            batch,
        }
    }

    /// Reads a page from the database. The ring begins after `after`.
    async fn read(&mut self, after: i64) -> Result<Option<LogBatch>, Error> {
        if self.reading.is_none() {
            sleep_until(self.retry_at).await;
        }
        let reading = self.reading.take().unwrap_or_else(|| self.begin(after));
        let reading = self.reading.insert(reading);
        let (read, after) = ((&mut reading.task).await, reading.after);
        self.reading = None;
        let part = read.unwrap_or(Err(Error::TimedOut)).inspect_err(|_| {
            self.retry_at = Instant::now() + SOON;
        })?;
        let gap_end = part.gap.map_or(self.position(), |gap| gap.to);
        self.source.place.pass(gap_end, None);
        // At the end, everything up to `after` was committed before the read.
        let through = part.batch.as_ref().map_or(after, |batch| batch.through);
        let batch = self.pass(part.batch, through, part.caught_up_at);
        Ok(Some(LogBatch {
            gap: part.gap,
            ..batch
        }))
    }

    /// Begins to read a page, in a task of its own: callers cancel [`next`](Self::next) often.
    fn begin(&self, after: i64) -> Reading {
        let hub = self.registered.hub.clone();
        let (place, content) = (self.source.place, self.content);
        let task = tokio::spawn(async move { hub.part_behind(place, content).await });
        Reading {
            after,
            task: AbortOnDropHandle::new(task),
        }
    }
}
