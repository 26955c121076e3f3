//! Drains the spool: what it kept goes through the writer like anything that arrives, in order and
//! beside it, and leaves the spool when Postgres has it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

use crate::{
    causes,
    ingest::{self, Drained, Failure, Writer},
    spool::{Error, Place, Record, Spool},
    store::{Committed, Delivery},
    telemetry::{DeliveryDrained, DeliveryPassedOver, Happening},
};

/// Between two looks at an empty spool, or at a circuit breaker that is open for a known cause.
const PAUSE: Duration = Duration::from_secs(1);

/// The pause after a failure; it doubles with each, up to the longest.
const SHORTEST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(5);

/// Maximum backoff when Postgres fails on every remaining delivery: each try costs a session, and
/// sends what arrives meanwhile to the spool.
const SELDOM: Duration = Duration::from_secs(30);

/// The most deliveries that wait for the writer at once, and about the most events: what arrives
/// meanwhile waits behind them.
const MOST: usize = 500;
const MOST_EVENTS: usize = 2_000;

/// A delivery that was handed to the writer: where it is, whose it is, and what became of it.
type Settled = (Place, Arc<str>, Result<Committed, Failure>);

/// The drain of a spool.
#[derive(Debug)]
pub struct Drain {
    spool: Spool,
    writer: Writer,
    drained: Drained,
    /// How many deliveries the next turn takes.
    most: usize,
    /// How many turns failed since the last one that did not.
    failures: u32,
    /// How many deliveries were passed over since the last one that was not.
    passed_over: u64,
    /// The one that failed alone in the last turn.
    suspect: Option<Place>,
}

impl Drain {
    /// Drains `spool` through `writer`, and tells `drained` of it.
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

    /// Drains what is there and what comes, until `stop`. What is on its way then stays in the
    /// spool, whether Postgres took it or not: it is known by its id.
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

    /// Takes the first ones to Postgres; says when to come again.
    async fn turn(&mut self) -> Duration {
        if self.spool.status().records == 0 {
            self.most = MOST;
            self.drained.note(0, Instant::now());
            return PAUSE;
        }
        if let Some(cause) = self.writer.breaker().cause() {
            // Postgres is not asked, so that looking again costs nothing.
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

    /// Hands the first ones over, and says how each ended.
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

    /// Takes what is stored out of the spool.
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

    /// The first one failed alone. Where the one behind it does not, a moment later, and it fails
    /// once more, it is its own doing: it goes behind the others, and is in nobody's way. `None`
    /// where nothing is behind it.
    async fn pass_over(&mut self, first: Place) -> Option<Duration> {
        let next = self.spool.read(Some(first), 1).await.unwrap_or_default();
        let (_, next) = read(next).await.ok()?.pop()?;
        if self.writer.commit(next).await.is_err() {
            return Some(self.fail("postgres"));
        }
        // Postgres may have been away before, and is back.
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

    /// Goes on with the next one; later, where each that is left was passed over.
    fn after_passing_over(&mut self) -> Duration {
        self.passed_over += 1;
        if self.passed_over < self.spool.status().records {
            return Duration::ZERO;
        }
        self.passed_over = 0;
        self.fail("postgres");
        SELDOM
    }

    /// Appends the first one again and takes it away where it was. A crash between the two leaves
    /// it twice, which is harmless. Says what is in the way.
    async fn put_behind(&self, first: Place) -> Result<(), String> {
        let found = self.spool.read(None, 1).await;
        let found = found.map_err(|error| causes::line(&error))?;
        let record = found.first().filter(|(place, _)| *place == first);
        let (_, record) = record.ok_or("another delivery stands first by now")?;
        let put = self.spool.put_behind(record).await;
        put.map_err(|refused| refused.to_string())?;
        let removed = self.spool.remove(first).await;
        removed.map_err(|error| causes::line(&error))?;
        self.drained.pass_over();
        let delivery = record.envelope.id;
        DeliveryPassedOver { delivery }.emit();
        Ok(())
    }

    /// Postgres does not get on, or is left alone; the log says why.
    fn fail(&mut self, code: &'static str) -> Duration {
        self.pause(code, None)
    }

    /// The spool itself does not do what is asked of it.
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

/// Reads the bodies on a thread of its own, the first ones up to a bounded number of events.
async fn read(found: Vec<(Place, Record)>) -> Result<Vec<(Place, Delivery)>, Error> {
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
    // Reading is total: what fails is a defect, which the log shows, and not to be passed over.
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
