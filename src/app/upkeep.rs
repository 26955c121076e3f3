//! Background loops: started when the database is open, and ended with the server.

use std::time::Duration;

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Database,
    consumers::Consumers,
    opening::{self, Opened},
};
use crate::{
    ingest::{Cause, CircuitBreaker},
    store::{conversations, stats, wake::Wakes},
    telemetry::metrics::Exposition,
    worker::{self, Disk, Following, Gaps, Horizon, Probe, Reached, Rejected, Tables, WakePoll},
};

/// The loops of a server, and their parts.
#[derive(Clone, Debug)]
pub(super) struct Upkeep {
    pub(super) database: Database,
    pub(super) tables: Tables,
    pub(super) rejected: Rejected,
    pub(super) reached: Reached,
    pub(super) gaps: Gaps,
    pub(super) consumers: Consumers,
    pub(super) probe: Probe,
    pub(super) breaker: CircuitBreaker,
    pub(super) wakes: Wakes,
    pub(super) metrics: Exposition,
    /// Value of `database.min_free`, in bytes.
    pub(super) min_free: u64,
}

impl Upkeep {
    /// Starts the loops if the database is open. Otherwise opens the database first, in the
    /// background, and keeps the circuit breaker open until then.
    pub(super) async fn begin(self, opened: Opened, loops: TaskTracker, stop: CancellationToken) {
        let metrics = self.metrics.clone();
        keep(&loops, stop.clone(), metrics, |it| async move {
            worker::fold(&it)
        });
        self.watch_disk(&loops, &stop);
        match opened {
            Opened::Now(_) => self.run(&loops, &stop).await,
            Opened::Later(pending) => {
                self.breaker.open(Cause::Unopened);
                loops.spawn({
                    let loops = loops.clone();
                    async move {
                        let (database, clock) = (self.database.clone(), self.tables.clock.clone());
                        let opening = opening::go_on(database, clock, pending);
                        if stop.run_until_cancelled(opening).await.is_some() {
                            self.run(&loops, &stop).await;
                            self.breaker.close(Cause::Unopened);
                        }
                    }
                });
            }
        }
        loops.close();
    }

    /// Probes the database once, so that readiness is known, and starts the loops.
    async fn run(&self, loops: &TaskTracker, stop: &CancellationToken) {
        self.probe.ask().await;
        let stop = || stop.clone();
        let (tables, probe) = (self.tables.clone(), self.probe.clone());
        keep(loops, stop(), tables, |it| async move { it.keep().await });
        keep(loops, stop(), probe, |it| async move { it.ask().await });
        let (rejected, reached) = (self.rejected.clone(), self.reached.clone());
        keep(
            loops,
            stop(),
            rejected,
            |it| async move { it.write().await },
        );
        keep(loops, stop(), reached, |it| async move { it.write().await });
        let gaps = self.gaps.clone();
        keep(loops, stop(), gaps, |it| async move { it.write().await });
        let horizon = Horizon(self.database.options().clone());
        keep(
            loops,
            stop(),
            horizon,
            |it| async move { it.measure().await },
        );
        let (options, wakes) = (self.database.options(), &self.wakes);
        loops.spawn(WakePoll::new(options.clone(), wakes.clone()).run(stop()));
        let waiter = wakes.waiter();
        let counting = Following::new(options, stats::follower(), stats::Hourly, waiter);
        loops.spawn(counting.run(stop()));
        let (follower, consumer) = (conversations::follower(), conversations::Conversations);
        let options = self.database.options();
        let listing = Following::new(options, follower, consumer, wakes.waiter());
        loops.spawn(listing.run(stop()));
        let attempts = self.consumers.attempts();
        keep(
            loops,
            stop(),
            attempts,
            |it| async move { it.write().await },
        );
        self.consumers.start(loops, &stop());
        if let Some(health) = self.database.health().await {
            loops.spawn(worker::log_restarts(stop(), health));
        }
    }

    /// Checks the disk of the private Postgres, since a full disk may be the reason why it does not
    /// start.
    fn watch_disk(&self, loops: &TaskTracker, stop: &CancellationToken) {
        let Some(dir) = self.database.dir().filter(|_| self.min_free > 0) else {
            return;
        };
        let disk = Disk {
            dir: dir.to_owned(),
            min_free: self.min_free,
            breaker: self.breaker.clone(),
        };
        disk.check();
        keep(loops, stop.clone(), disk, |it| async move { it.check() });
    }
}

/// Repeats `work` on `part` until `stop`.
pub(super) fn keep<T, F>(loops: &TaskTracker, stop: CancellationToken, part: T, work: fn(T) -> F)
where
    T: Clone + Send + 'static,
    F: Future<Output = Duration> + Send + 'static,
{
    loops.spawn(worker::repeat(stop, move || work(part.clone())));
}
