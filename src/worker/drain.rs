//! Drains the spool: sends its deliveries through the writer, in order and beside new deliveries,
//! and removes them when Postgres has them.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

use crate::{
    causes,
    ingest::{self, Drained, Failure, Writer},
    spool::{Error, Record, Spool, SpoolPosition},
    store::{Committed, Delivery},
    telemetry::{DeliveryDrained, DeliveryPassedOver, LogEvent},
};

/// Pause while the spool is empty or the circuit breaker is open for a known cause.
const PAUSE: Duration = Duration::from_secs(1);

/// Backoff after a failure, doubled with each further failure up to the maximum.
const SHORTEST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(5);

/// Maximum backoff when Postgres fails on every remaining delivery: each try costs a session, and
/// sends deliveries that arrive meanwhile to the spool.
const SELDOM: Duration = Duration::from_secs(30);

/// Maximum number of deliveries, and approximate maximum number of events, handed to the writer at
/// once: new deliveries wait behind them.
const MOST: usize = 500;
const MOST_EVENTS: usize = 2_000;

/// A delivery that was handed to the writer: its place, its app, and its result.
type Settled = (SpoolPosition, Arc<str>, Result<Committed, Failure>);

/// The drain of a spool.
#[derive(Debug)]
pub struct Drain {
    spool: Spool,
    writer: Writer,
    drained: Drained,
    /// Number of deliveries in the next turn.
    most: usize,
    /// Consecutive failed turns.
    failures: u32,
    /// Consecutive deliveries that were moved to the end.
    passed_over: u64,
    /// The delivery that failed alone in the last turn.
    suspect: Option<SpoolPosition>,
}

impl Drain {
    /// Drains `spool` through `writer`, and reports progress to `drained`.
    pub fn new(spool: Spool, writer: Writer, drained: Drained) -> Self {
        Self {
            spool,
            writer,
            drained,
            most: MOST,
            failures: 0,
            passed_over: 0,
            suspect: None,
        }
    }

    /// Drains until `stop`. Deliveries in flight at that moment stay in the spool, whether Postgres
    /// took them or not: their ids make resending harmless.
    pub async fn run(mut self, stop: CancellationToken) {
        let drained = self.drained.clone();
        let draining = async {
            loop {
                let pause = self.turn().await;
                tokio::select! {
                    () = drained.woken() => {}
                    () = tokio::time::sleep(pause) => {}
                }
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = draining => {}
        }
    }

    /// Sends the first deliveries to Postgres, and returns the pause before the next turn.
    async fn turn(&mut self) -> Duration {
        if self.spool.status().records == 0 {
            self.most = MOST;
            self.drained.note(0, Instant::now());
            return PAUSE;
        }
        if let Some(cause) = self.writer.breaker().cause() {
            // Postgres is not asked, so the next check is cheap.
            self.drained.fail(cause.code(), None);
            return PAUSE;
        }
        if let Some(suspect) = self.suspect.take()
            && let Some(pause) = self.pass_over(suspect).await
        {
            return pause;
        }
        let settled = match self.hand_over().await {
            Ok(settled) => settled,
            Err(error) => return self.stumble(causes::line(&error)),
        };
        let stored = settled.iter().take_while(|(.., result)| result.is_ok());
        match (settled.as_slice(), stored.count()) {
            ([], _) => PAUSE,
            ([(alone, ..)], 0) => {
                self.suspect = Some(*alone);
                self.fail("postgres")
            }
            (several, 0) => {
                self.most = several.len() / 2;
                self.fail("postgres")
            }
            (some, stored) => self.remove(&some[..stored]).await,
        }
    }

    /// Hands the first deliveries to the writer, and returns their results.
    async fn hand_over(&self) -> Result<Vec<Settled>, Error> {
        let found = self.spool.read(None, self.most).await?;
        let mut waiting = Vec::new();
        for (place, delivery) in read(found).await? {
            let app = Arc::clone(&delivery.envelope.app);
            waiting.push((place, app, self.writer.commit(delivery)));
        }
        let mut settled = Vec::with_capacity(waiting.len());
        for (place, app, waiting) in waiting {
            settled.push((place, app, waiting.await));
        }
        Ok(settled)
    }

    /// Removes stored deliveries from the spool.
    async fn remove(&mut self, stored: &[Settled]) -> Duration {
        let Some((last, ..)) = stored.last() else {
            return PAUSE;
        };
        if let Err(error) = self.spool.remove(*last).await {
            return self.stumble(causes::line(&error));
        }
        for (_, app, result) in stored {
            if let Ok(Committed { new, repeated, .. }) = *result {
                let app = Arc::clone(app);
                DeliveryDrained { app, new, repeated }.emit();
            }
        }
        let count = u64::try_from(stored.len()).unwrap_or(u64::MAX);
        self.drained.note(count, Instant::now());
        self.most = MOST.min(self.most * 2);
        (self.failures, self.passed_over) = (0, 0);
        Duration::ZERO
    }

    /// The first delivery failed alone. If the next delivery succeeds and the first fails again,
    /// the first one is at fault: it is moved to the end, so that it does not block the others.
    /// `None` if no delivery follows.
    async fn pass_over(&mut self, first: SpoolPosition) -> Option<Duration> {
        let next = self.spool.read(Some(first), 1).await.unwrap_or_default();
        let (_, next) = read(next).await.ok()?.pop()?;
        if self.writer.commit(next).await.is_err() {
            return Some(self.fail("postgres"));
        }
        // Postgres may have been unavailable before, and be back now.
        self.most = 1;
        let again = self.hand_over().await.unwrap_or_default();
        if let [(.., Ok(_))] = again[..] {
            return Some(self.remove(&again).await);
        }
        Some(match self.put_behind(first).await {
            Ok(()) => self.after_passing_over(),
            Err(why) => self.stumble(why),
        })
    }

    /// Continues with the next delivery; later, if all remaining deliveries were moved to the end.
    fn after_passing_over(&mut self) -> Duration {
        self.passed_over += 1;
        if self.passed_over < self.spool.status().records {
            return Duration::ZERO;
        }
        self.passed_over = 0;
        self.fail("postgres");
        SELDOM
    }

    /// Appends a copy of the first delivery and removes the original. A crash in between leaves
    /// both, which is harmless. The error has the reason for a failure.
    async fn put_behind(&self, first: SpoolPosition) -> Result<(), String> {
        let found = self.spool.read(None, 1).await;
        let found = found.map_err(|error| causes::line(&error))?;
        let record = found.first().filter(|(place, _)| *place == first);
        let (_, record) = record.ok_or("another delivery is first now")?;
        let put = self.spool.put_behind(record).await;
        put.map_err(|refused| refused.to_string())?;
        let removed = self.spool.remove(first).await;
        removed.map_err(|error| causes::line(&error))?;
        self.drained.pass_over();
        let delivery = record.envelope.id;
        DeliveryPassedOver { delivery }.emit();
        Ok(())
    }

    /// Records that Postgres fails or is not tried; the log has the reason.
    fn fail(&mut self, code: &'static str) -> Duration {
        self.pause(code, None)
    }

    /// Records an error of the spool itself.
    fn stumble(&mut self, why: String) -> Duration {
        self.pause("spool", Some(why))
    }

    fn pause(&mut self, code: &'static str, why: Option<String>) -> Duration {
        self.drained.fail(code, why);
        let pause = SHORTEST * 2_u32.saturating_pow(self.failures);
        self.failures = self.failures.saturating_add(1).min(16);
        let is_alone = self.spool.status().records == 1;
        pause.min(if is_alone { SELDOM } else { LONGEST })
    }
}

/// Parses the bodies on a blocking thread, up to a bounded number of events.
async fn read(
    found: Vec<(SpoolPosition, Record)>,
) -> Result<Vec<(SpoolPosition, Delivery)>, Error> {
    let reading = tokio::task::spawn_blocking(move || {
        let mut events = 0;
        let mut deliveries = Vec::with_capacity(found.len());
        for (place, record) in found {
            let delivery = ingest::read(record);
            events += delivery.events.len();
            if events > MOST_EVENTS && !deliveries.is_empty() {
                break;
            }
            deliveries.push((place, delivery));
        }
        deliveries
    });
    // Parsing cannot fail. A panic is a defect, shown in the log, and the delivery is not skipped.
    reading.await.map_err(|_| Error::Gone)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{clock::Clock, envelope::Envelope, ingest::Cause, spool::Settings, store};

    #[tokio::test]
    async fn a_drain_looks_again_soon_while_the_breaker_is_open_for_a_known_cause() {
        let home = tempfile::TempDir::new().unwrap();
        let settings = Settings {
            dir: home.path().join("spool"),
            max_bytes: 1 << 20,
            reserve: 0,
            file_bytes: 1 << 20,
        };
        let spool = Spool::open(&settings, Clock::system()).unwrap();
        let record = Record {
            envelope: Envelope {
                id: Uuid::from_u128(7),
                received_at: Clock::system().now(),
                app: "default".into(),
                headers: "{}".to_owned(),
                remote_addr: None,
            },
            simulated: false,
            secret: "app".into(),
            body: "{}".into(),
        };
        spool.append(&record).await.unwrap();
        let nowhere = store::options("postgres:///nobody?host=/nowhere").unwrap();
        let (writer, _committer) = Writer::new(nowhere, Some(spool.clone()));
        let drained = Drained::default();
        writer.breaker().open(Cause::Unopened);
        let mut drain = Drain::new(spool, writer, drained.clone());
        for _ in 0..9 {
            assert_eq!(drain.turn().await, PAUSE);
        }
        let obstacle = drained.progress(Instant::now()).obstacle;
        assert_eq!(obstacle, Some(Cause::Unopened.code()));
    }
}
