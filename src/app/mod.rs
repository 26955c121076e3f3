//! The only place that constructs: what `serve` is made of, and its life from start to stop.
//!
//! Start goes from what can fail without a trace to what leaves one: sockets, the data directory,
//! the spool, Postgres, migrations, tasks. Stop goes the other way: the door first, then what is in
//! flight, the writer, what was counted, and Postgres last.

pub mod database;
pub(crate) mod descriptors;
mod error;
mod instance;
mod lifecycle;
mod manager;
mod opening;
mod reached;
pub mod rescue;
mod runtime;
mod signals;
mod spooling;
mod upkeep;

pub use manager::Manager;
pub use signals::Signals;
use upkeep::Upkeep;

use std::{path::PathBuf, time::Instant};

use tokio::{sync::watch, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    clock::Clock,
    config::{self, Config, Sources, credentials},
    http::{self, AppState, Held, Listener, ListenerLimits, Readiness, admin, listener, public},
    ingest::{Closed, Gate, Pulse, Tally, Writer},
    spool::Spool,
    store::Commits,
    telemetry::metrics::Exposition,
    tunnel::{self, Tunnel},
    worker::{self, Drained, Probe, Rejected, Tables},
};
use database::Database;
pub use error::Error;
use instance::Instance;
pub use instance::signal_reload;
use opening::Opened;
pub use reached::Reached;
pub use runtime::runtime;
use spooling::Spooling;

/// A running server.
#[derive(Debug)]
pub struct App {
    sources: Sources,
    started: Started,
    manager: Manager,
    state: AppState,
    listeners: [Serving; 2],
    committer: JoinHandle<()>,
    draining: Draining,
    pulse: Pulse,
    rejected: Rejected,
    reached: worker::Reached,
    loops: TaskTracker,
    stop: CancellationToken,
    database: Database,
    _instance: Instance,
}

/// What a person who started the server wants to know.
#[derive(Clone, Debug)]
pub struct Started {
    /// Where the public listener listens.
    pub public: std::net::SocketAddr,
    /// Where the admin listener listens.
    pub admin: std::net::SocketAddr,
    /// The callback URL of each app, by its name.
    pub callback_urls: Vec<(config::AppName, String)>,
    /// Each app: where its verify token is, and when Meta last came.
    pub reached: Vec<Reached>,
    /// The file with the generated secret and verify token, where no app is configured.
    pub credentials: Option<credentials::Credentials>,
    /// Where data, and the private Postgres if there is one, are kept.
    pub data_dir: PathBuf,
    /// Where Postgres is, without a password.
    pub database: String,
    /// Why it cannot be used yet, where it cannot: deliveries go into the spool meanwhile.
    pub away: Option<String>,
    /// The directory of the spool; none where it is off.
    pub spool: Option<PathBuf>,
}

/// What can fail has not; the rest follows.
struct Parts {
    config: Config,
    sources: Sources,
    metrics: Exposition,
    clock: Clock,
    instance: Instance,
    spool: Option<Spool>,
    database: Database,
    opened: Opened,
    started: Started,
}

/// The drain of the spool, where there is one, and how it is stopped: before the writer, whose
/// last handle it would hold else.
#[derive(Debug)]
struct Draining {
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
}

/// A listener at work.
#[derive(Debug)]
struct Serving {
    stop: http::listener::Stop,
    task: JoinHandle<Result<(), http::listener::Error>>,
}

impl App {
    /// Starts everything; returns when deliveries are accepted.
    ///
    /// # Errors
    /// Says what is in the way. What was started is stopped again.
    pub async fn start(
        mut config: Config,
        sources: Sources,
        metrics: Exposition,
        clock: Clock,
    ) -> Result<Self, Error> {
        config.http.max_connections = descriptors::provide(config.http.max_connections);
        let mut held = Held::take(sources.var("LISTEN_FDNAMES")).map_err(listener::Error::from)?;
        let public = held.listener(listener::PUBLIC, config.http.listen)?;
        let admin = held.listener(listener::ADMIN, config.admin.listen)?;
        let instance = Instance::claim(&config.data_dir)?;
        let credentials = credentials_if_needed(&config)?;
        let spool = open_spool(&config, &clock).await?;
        let database = Database::find(&config, &sources)?;
        let opened = match opening::open(&database, &clock, spool.is_some()).await {
            Ok(opened) => opened,
            Err(error) => {
                if let Err(error) = database.close().await {
                    tracing::error!(%error, "the private Postgres did not stop");
                }
                return Err(error);
            }
        };
        let (seen, away) = match &opened {
            Opened::Now(seen) => (seen.as_slice(), None),
            Opened::Later(pending) => ([].as_slice(), Some(pending.why.clone())),
        };
        let started = Started {
            public: public.address(),
            admin: admin.address(),
            callback_urls: callback_urls(&config, public.address(), credentials.as_ref()),
            reached: reached::tell(&config.apps, credentials.as_ref(), seen),
            data_dir: config.data_dir.clone(),
            database: database.describe(),
            spool: spool
                .is_some()
                .then(|| config.spool.directory(&config.data_dir)),
            away,
            credentials,
        };
        let parts = Parts {
            config,
            sources,
            metrics,
            clock,
            instance,
            spool,
            database,
            opened,
            started,
        };
        Ok(parts.assemble([public, admin]).await)
    }

    /// What was started.
    pub fn started(&self) -> &Started {
        &self.started
    }

    /// Opens a tunnel to the public listener and keeps it up until the server has stopped; each
    /// public address that it gets is told.
    pub fn open_tunnel(
        &self,
        program: tunnel::Program,
        path: PathBuf,
    ) -> watch::Receiver<Option<config::PublicUrl>> {
        let tunnel = Tunnel {
            program,
            path,
            target: tunnel::target(self.started.public),
            hidden: self.sources.private(),
            patience: tunnel::PATIENCE,
        };
        let (address, addresses) = watch::channel(None);
        self.loops
            .spawn(worker::keep_tunnel(self.stop.clone(), tunnel, address));
        addresses
    }
}

impl Parts {
    async fn assemble(self, [public, admin]: [Listener; 2]) -> App {
        let (writer, committer) = Writer::new(self.database.options(), self.spool.clone());
        let committer = committer.with(commits(&self.config.database));
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
        let spooling = self.spool.clone().map(|spool| Spooling {
            spool,
            settings: spooling::settings(&self.config),
            drained: drained.clone(),
            clock: self.clock.clone(),
        });
        let upkeep = upkeep(
            &self.config,
            &self.database,
            (self.clock, gate),
            (&state, tally),
            metrics,
        );
        let gate = upkeep.gate.clone();
        let readiness = readiness(&upkeep.probe, pulse.clone(), gate, self.spool.clone());
        let desk = spooling::desk(spooling.as_ref(), &self.config);
        let operators = admin::router(readiness, desk, self.metrics.clone());
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
            _instance: self.instance,
        }
    }
}

/// What runs beside the deliveries.
fn upkeep(
    config: &Config,
    database: &Database,
    (clock, gate): (Clock, Gate),
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
        probe: Probe::new(options.clone(), config.database.allow_lossy_commits),
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

/// Opens the spool, unless it is off.
async fn open_spool(config: &Config, clock: &Clock) -> Result<Option<Spool>, Error> {
    if !config.spool.is_on() {
        return Ok(None);
    }
    let settings = spooling::settings(config);
    let clock = clock.clone();
    let opening = tokio::task::spawn_blocking(move || Spool::open(&settings, clock));
    let opened = opening.await.map_err(|_| Error::Defect)?;
    Ok(Some(opened?))
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

fn credentials_if_needed(config: &Config) -> Result<Option<credentials::Credentials>, Error> {
    let needed = config.apps.is_empty();
    Ok(needed
        .then(|| credentials::load_or_create(&config.data_dir))
        .transpose()?)
}

/// The apps with their keys: those configured, else the generated one.
fn apps(configured: &config::Apps, generated: Option<&credentials::Credentials>) -> http::Apps {
    let generated = generated.map(|credentials| http::AppKeys::from(&credentials.app));
    configured
        .values()
        .map(http::AppKeys::from)
        .chain(generated)
        .collect()
}

fn callback_urls(
    config: &Config,
    address: std::net::SocketAddr,
    generated: Option<&credentials::Credentials>,
) -> Vec<(config::AppName, String)> {
    let names = config
        .apps
        .keys()
        .chain(generated.map(|credentials| &credentials.app.name));
    let url = |name: &config::AppName| match &config.http.public_url {
        Some(public) => public.join(&name.path()),
        None => format!("http://{address}{}", name.path()),
    };
    names.map(|name| (name.clone(), url(name))).collect()
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

fn commits(database: &config::Database) -> Commits {
    if database.allow_lossy_commits {
        Commits::AsConfigured
    } else {
        Commits::Durable
    }
}
