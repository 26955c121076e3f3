//! The parts of a server, put together when nothing can fail any more.

use std::time::Instant;

use tokio::task::JoinHandle;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    App, Database, Manager, Started, apps, database,
    opening::Opened,
    rescue,
    spooling::{self, Spooling},
    upkeep::Upkeep,
};
use crate::{
    clock::Clock,
    config::{Config, Sources},
    http::{self, AppState, Listener, ListenerLimits, Readiness, admin, public},
    ingest::{Closed, Gate, Pulse, Tally, Writer},
    instance::Claim,
    spool::Spool,
    telemetry::metrics::Exposition,
    worker::{self, Drained, Probe, Rejected, Tables},
};

/// What can fail has not; the rest follows.
pub(super) struct Parts {
    pub(super) config: Config,
    pub(super) sources: Sources,
    pub(super) metrics: Exposition,
    pub(super) clock: Clock,
    pub(super) claim: Claim,
    pub(super) spool: Option<Spool>,
    pub(super) database: Database,
    pub(super) opened: Opened,
    pub(super) started: Started,
}

/// The drain of the spool, where there is one, and how it is stopped: before the writer, whose
/// last handle it would hold else.
#[derive(Debug)]
pub(super) struct Draining {
    pub(super) stop: CancellationToken,
    pub(super) task: Option<JoinHandle<()>>,
}

/// A listener at work.
#[derive(Debug)]
pub(super) struct Serving {
    pub(super) stop: http::listener::Stop,
    pub(super) task: JoinHandle<Result<(), http::listener::Error>>,
}

impl Parts {
    /// Begins everything; deliveries are accepted when it returns.
    pub(super) async fn assemble(self, [public, admin]: [Listener; 2]) -> App {
        let (writer, committer) = Writer::new(self.database.options(), self.spool.clone());
        let committer = committer.with(database::commits(&self.config.database));
        let tally = Tally::new(self.clock.clone());
        let hold = rescue::hold(&self.config, self.clock.clone());
        let state = AppState::new(
            apps(&self.config.apps, self.started.credentials.as_ref()),
            writer.intake(),
            tally.counter().holding(hold.clone()),
            self.clock.clone(),
            http::Limits::from(&self.config.http),
        );
        let (pulse, gate) = (writer.pulse(), writer.gate());
        let metrics = self.metrics.clone();
        let drained = Drained::default();
        let spooling = self.spooling(&drained);
        let clock = self.clock.clone();
        let upkeep = upkeep(
            &self.config,
            &self.database,
            (self.clock, gate, drained.clone()),
            (&state, tally),
            metrics,
        );
        let gate = upkeep.gate.clone();
        let readiness = readiness(&upkeep.probe, pulse.clone(), gate, self.spool.clone());
        let desk = spooling::desk(spooling.as_ref(), &self.config, &self.started);
        let operators = admin::router(readiness, desk, self.metrics.clone());
        let operators = http::known_as(operators, self.claim.id().clone());
        state.answer_as(self.claim.id().clone());
        let limits = ListenerLimits::from(&self.config.http);
        let (rejected, reached) = (upkeep.rejected.clone(), upkeep.reached.clone());
        let (loops, stop) = (TaskTracker::new(), CancellationToken::new());
        if let Some(spooling) = spooling {
            spooling.watch(&loops, stop.clone());
        }
        loops.spawn(rescue::look_after(hold, stop.clone()));
        upkeep.begin(self.opened, loops.clone(), stop.clone()).await;
        App {
            draining: drain(self.spool, writer, drained),
            listeners: [
                serve(public, public::router(state.clone()), limits),
                serve(admin, operators, ListenerLimits::ADMIN),
            ],
            reached,
            state,
            pulse,
            committer: tokio::spawn(committer.run()),
            rejected,
            loops,
            stop,
            manager: Manager::of(&self.sources),
            sources: self.sources,
            started: self.started,
            database: self.database,
            claim: self.claim,
            clock,
        }
    }

    /// The spool with its drain, where there is one.
    fn spooling(&self, drained: &Drained) -> Option<Spooling> {
        self.spool.clone().map(|spool| Spooling {
            spool,
            settings: spooling::settings(&self.config),
            drained: drained.clone(),
            clock: self.clock.clone(),
            left_behind: self.started.left_behind.clone(),
        })
    }
}

/// What runs beside the deliveries.
fn upkeep(
    config: &Config,
    database: &Database,
    (clock, gate, drained): (Clock, Gate, Drained),
    (state, tally): (&AppState, Tally),
    metrics: Exposition,
) -> Upkeep {
    let options = database.options();
    let window = config.dedupe.window.try_into();
    Upkeep {
        tables: Tables {
            options: options.clone(),
            clock,
            window: window.unwrap_or(jiff::SignedDuration::MAX),
        },
        rejected: Rejected {
            options: options.clone(),
            tally,
            max_rows: config.rejections.max_rows,
        },
        probe: Probe::new(options.clone(), config.database.allow_lossy_commits).waking(drained),
        reached: worker::Reached {
            options,
            callbacks: state.callbacks().clone(),
        },
        database: database.clone(),
        min_free: config.database.min_free,
        metrics,
        gate,
    }
}

/// Begins to drain what was there before, and what comes.
fn drain(spool: Option<Spool>, writer: Writer, drained: Drained) -> Draining {
    let stop = CancellationToken::new();
    let drain = spool.map(|spool| worker::Drain::new(spool, writer, drained));
    Draining {
        task: drain.map(|drain| tokio::spawn(drain.run(stop.clone()))),
        stop,
    }
}

fn serve(listener: Listener, routes: http::Routes, limits: ListenerLimits) -> Serving {
    Serving {
        stop: listener.stop(),
        task: tokio::spawn(listener.serve(routes, limits)),
    }
}

/// What the probe misses, and what keeps commits back; where there is neither, commits if they fail
/// all the same: a disk that is full still answers questions. A spool stands in for most of it.
fn readiness(probe: &Probe, pulse: Pulse, gate: Gate, spool: Option<Spool>) -> Readiness {
    let probe = probe.clone();
    Readiness::new(move || {
        let mut missing = probe.missing();
        let closed = gate.closed().map(Closed::code);
        missing.extend(closed.filter(|code| !missing.contains(code)));
        if missing.is_empty() && pulse.is_failing(Instant::now()) {
            missing.push("commits");
        }
        spooling::standing(missing, spool.as_ref())
    })
}
