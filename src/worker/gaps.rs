//! Stores gaps and the liveness of this server.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tokio::time::timeout;

use crate::{
    clock::Clock,
    ingest,
    spool::Spool,
    store::{self, ConnectOptions, Error, gaps},
    telemetry::{LogEvent, UpkeepFailed},
};

/// Pause between two looks at the gaps.
const PAUSE: Duration = Duration::from_secs(5);

/// Pause after a failure.
const SOON: Duration = Duration::from_secs(30);

/// Deadline of one write.
const DEADLINE: Duration = Duration::from_secs(10);

/// Deadline of the last write: a stop does not wait for a database that is away.
const LAST: Duration = Duration::from_secs(3);

/// Time between two liveness rows.
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// Writer of gaps and liveness. Clones share the progress.
#[derive(Clone, Debug)]
pub struct Gaps {
    /// Connection options of the database.
    pub options: ConnectOptions,
    /// Gaps to write.
    pub gaps: ingest::Gaps,
    /// Name of this server.
    pub instance: String,
    /// Start of this server.
    pub started_at: Timestamp,
    /// Clock for liveness.
    pub clock: Clock,
    /// The spool, whose end of draining closes gaps.
    pub spool: Option<Spool>,
    /// Progress.
    pub progress: Progress,
}

/// Progress of the writer.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Mutex<Written>>);

#[derive(Debug, Default)]
struct Written {
    /// Apps whose service was begun.
    begun: BTreeSet<Arc<str>>,
    alive_at: Option<Timestamp>,
}

impl Gaps {
    /// Writes what is due, and returns the pause before the next call.
    pub async fn write(&self) -> Duration {
        let now = self.clock.now();
        self.close_drained(now);
        let gaps = self.gaps.take();
        if gaps.is_empty() && !self.is_due(now) {
            return PAUSE;
        }
        let written = timeout(DEADLINE, self.write_once(&gaps, now)).await;
        self.settle(gaps, written.unwrap_or(Err(Error::TimedOut)))
    }

    /// Writes the last gaps, and that the server stopped. Writes nothing if the database was never
    /// open.
    pub async fn stop(&self) {
        if self.written().alive_at.is_none() {
            return;
        }
        let gaps = self.gaps.take();
        let at = self.gaps.stopped_at().unwrap_or_else(|| self.clock.now());
        let stopped = timeout(LAST, async {
            let mut connection = store::connect(&self.options, LAST).await?;
            gaps::write(&mut connection, &gaps).await?;
            gaps::stop(&mut connection, &self.instance, at).await
        });
        let stopped = stopped.await.unwrap_or(Err(Error::TimedOut));
        self.settle(gaps, stopped);
    }

    fn settle(&self, gaps: Vec<gaps::Gap>, written: Result<(), Error>) -> Duration {
        let Err(error) = written else {
            return PAUSE;
        };
        self.gaps.put_back(gaps);
        UpkeepFailed {
            part: "gaps",
            cause: error.cause(),
        }
        .emit();
        SOON
    }

    /// Closes the gaps of deliveries that are not in the spool any more.
    fn close_drained(&self, now: Timestamp) {
        let is_empty = |spool: &Spool| spool.status().records == 0;
        if self.gaps.is_spooling() && self.spool.as_ref().is_some_and(is_empty) {
            self.gaps.drained(now);
        }
    }

    /// True if a minute has passed since the last liveness row, or if an app is new.
    fn is_due(&self, now: Timestamp) -> bool {
        let written = self.written();
        let is_begun = |app| written.begun.contains(app);
        let is_old = |at: Timestamp| now.duration_since(at).abs() >= MINUTE;
        written.alive_at.is_none_or(is_old) || !self.gaps.served().iter().all(is_begun)
    }

    async fn write_once(&self, gaps: &[gaps::Gap], now: Timestamp) -> Result<(), Error> {
        let mut connection = store::connect(&self.options, DEADLINE).await?;
        let served = self.gaps.served();
        for app in &served {
            if let Some(at) = self.beginning(app, now) {
                gaps::begin(&mut connection, &self.instance, app, at).await?;
                self.written().begun.insert(Arc::clone(app));
            }
        }
        gaps::write(&mut connection, gaps).await?;
        let apps: Vec<_> = served.iter().map(|app| &**app).collect();
        gaps::alive(&mut connection, &self.instance, &apps, now).await?;
        self.written().alive_at = Some(now);
        Ok(())
    }

    /// Time from which an app is served, if that is not written yet: the start of the server, or now
    /// for an app of a reload.
    fn beginning(&self, app: &Arc<str>, now: Timestamp) -> Option<Timestamp> {
        let written = self.written();
        let since = written.alive_at.map_or(self.started_at, |_| now);
        (!written.begun.contains(app)).then_some(since)
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        let written = &self.progress.0;
        written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
