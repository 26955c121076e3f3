//! What runs beside the deliveries: begun when the database is open, ended with the server.

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Database,
    opening::{self, Opened},
};
use crate::{
    ingest::{Closed, Gate},
    store::stats,
    telemetry::metrics::Exposition,
    worker::{self, Disk, Following, Probe, Reached, Rejected, Tables},
};

/// The loops of one server, and what they work on.
#[derive(Clone, Debug)]
pub(super) struct Upkeep {
    pub(super) database: Database,
    pub(super) tables: Tables,
    pub(super) rejected: Rejected,
    pub(super) reached: Reached,
    pub(super) probe: Probe,
    pub(super) gate: Gate,
    pub(super) metrics: Exposition,
    /// `database.min_free`, in bytes.
    pub(super) min_free: u64,
}

impl Upkeep {
    /// Begins at once where the database is open; else it is opened first, in the background, and
    /// no commit is tried until then.
    pub(super) async fn begin(self, opened: Opened, loops: TaskTracker, stop: CancellationToken) {
        self.fold(&loops, &stop);
        self.watch_disk(&loops, &stop);
        match opened {
            Opened::Now(_) => self.run(&loops, &stop).await,
            Opened::Later(pending) => {
                self.gate.close(Closed::Unopened);
                loops.spawn({
                    let loops = loops.clone();
                    async move {
                        let (database, clock) = (self.database.clone(), self.tables.clock.clone());
                        let opening = opening::go_on(database, clock, pending);
                        if stop.run_until_cancelled(opening).await.is_some() {
                            self.run(&loops, &stop).await;
                            self.gate.open(Closed::Unopened);
                        }
                    }
                });
            }
        }
        loops.close();
    }

    /// Asks the database once, so that readiness can tell of it, and begins the loops.
    async fn run(&self, loops: &TaskTracker, stop: &CancellationToken) {
        self.probe.ask().await;
        let stop = || stop.clone();
        let tables = self.tables.clone();
        loops.spawn(worker::repeat(stop(), move || {
            let tables = tables.clone();
            async move { tables.keep().await }
        }));
        let rejected = self.rejected.clone();
        loops.spawn(worker::repeat(stop(), move || {
            let rejected = rejected.clone();
            async move { rejected.write().await }
        }));
        let reached = self.reached.clone();
        loops.spawn(worker::repeat(stop(), move || {
            let reached = reached.clone();
            async move { reached.write().await }
        }));
        let probe = self.probe.clone();
        loops.spawn(worker::repeat(stop(), move || {
            let probe = probe.clone();
            async move { probe.ask().await }
        }));
        let options = self.database.options();
        let counting = Following::new(options, stats::follower(), stats::Hourly);
        loops.spawn(counting.run(stop()));
        if let Some(health) = self.database.health().await {
            loops.spawn(worker::tell_restarts(stop(), health));
        }
    }

    /// Folds metrics, whatever the database does.
    fn fold(&self, loops: &TaskTracker, stop: &CancellationToken) {
        let metrics = self.metrics.clone();
        loops.spawn(worker::repeat(stop.clone(), move || {
            let metrics = metrics.clone();
            async move { worker::fold(&metrics) }
        }));
    }

    /// Looks after the disk of the private Postgres, which may be why that does not start.
    fn watch_disk(&self, loops: &TaskTracker, stop: &CancellationToken) {
        let Some(dir) = self.database.dir().filter(|_| self.min_free > 0) else {
            return;
        };
        let disk = Disk {
            dir: dir.to_owned(),
            min_free: self.min_free,
            gate: self.gate.clone(),
        };
        disk.look();
        loops.spawn(worker::repeat(stop.clone(), move || {
            let disk = disk.clone();
            async move { disk.look() }
        }));
    }
}
