//! The only place that constructs: what `serve` is made of, and its life from start to stop.
//!
//! Start goes from what can fail without a trace to what leaves one: sockets, the data directory,
//! Postgres, migrations, tasks. Stop goes the other way: the door first, then what is in flight,
//! the writer, what was counted, and Postgres last.

pub mod database;
pub(crate) mod descriptors;
mod error;
mod instance;
mod lifecycle;
mod manager;
mod reached;
pub mod rescue;
mod runtime;
mod signals;

pub use manager::Manager;
pub use signals::Signals;

use std::{path::PathBuf, time::Instant};

use tokio::{sync::watch, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    clock::Clock,
    config::{self, Config, Sources, credentials},
    held::{self, Hold},
    http::{self, AppState, Held, Listener, ListenerLimits, Readiness, admin, listener, public},
    ingest::{Pulse, Tally, Writer},
    store::{self, Commits, callbacks, stats},
    telemetry::metrics::Exposition,
    tunnel::{self, Tunnel},
    worker::{self, Following, Probe, Rejected, Tables},
};
use database::Database;
pub use error::Error;
use instance::Instance;
pub use instance::signal_reload;
pub use reached::Reached;
pub use runtime::runtime;

/// A running server.
#[derive(Debug)]
pub struct App {
    sources: Sources,
    started: Started,
    manager: Manager,
    state: AppState,
    listeners: [Serving; 2],
    committer: JoinHandle<()>,
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
}

/// What can fail has not; the rest follows.
struct Parts {
    config: Config,
    sources: Sources,
    metrics: Exposition,
    clock: Clock,
    instance: Instance,
    database: Database,
    probe: Probe,
    started: Started,
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
        let database = Database::open(&config, &sources).await?;
        let seen = match migrate(&database, &clock).await {
            Ok(seen) => seen,
            Err(error) => {
                if let Err(error) = database.close().await {
                    tracing::error!(%error, "the private Postgres did not stop");
                }
                return Err(error);
            }
        };
        let probe = Probe::new(database.options(), config.database.allow_lossy_commits);
        probe.ask().await;
        let started = Started {
            public: public.address(),
            admin: admin.address(),
            callback_urls: callback_urls(&config, public.address(), credentials.as_ref()),
            reached: reached::tell(&config.apps, credentials.as_ref(), &seen),
            data_dir: config.data_dir.clone(),
            database: database.describe(),
            credentials,
        };
        let parts = Parts {
            config,
            sources,
            metrics,
            clock,
            instance,
            database,
            probe,
            started,
        };
        Ok(parts.assemble([public, admin]))
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

    fn begin_loops(&self, config: &Config, clock: Clock, probe: Probe, metrics: Exposition) {
        let window = config
            .dedupe
            .window
            .try_into()
            .unwrap_or(jiff::SignedDuration::MAX);
        let tables = Tables {
            options: self.database.options(),
            clock,
            window,
        };
        let rejected = self.rejected.clone();
        let stop = || self.stop.clone();
        self.loops.spawn(worker::repeat(stop(), move || {
            let tables = tables.clone();
            async move { tables.keep().await }
        }));
        self.loops.spawn(worker::repeat(stop(), move || {
            let rejected = rejected.clone();
            async move { rejected.write().await }
        }));
        let reached = self.reached.clone();
        self.loops.spawn(worker::repeat(stop(), move || {
            let reached = reached.clone();
            async move { reached.write().await }
        }));
        self.loops.spawn(worker::repeat(stop(), move || {
            let probe = probe.clone();
            async move { probe.ask().await }
        }));
        let counting = Following::new(self.database.options(), stats::follower(), stats::Hourly);
        self.loops.spawn(counting.run(stop()));
        self.loops.spawn(worker::repeat(stop(), move || {
            let metrics = metrics.clone();
            async move { worker::fold(&metrics) }
        }));
        if let Some(health) = self.database.health() {
            self.loops.spawn(worker::tell_restarts(stop(), health));
        }
        self.loops.close();
    }
}

impl Parts {
    fn assemble(self, [public, admin]: [Listener; 2]) -> App {
        let options = self.database.options();
        let (writer, committer) = Writer::new(options.clone());
        let committer = committer.with(commits(&self.config.database));
        let tally = Tally::new(self.clock.clone());
        let hold = Hold::start(held_in(&self.config), self.clock.clone());
        let state = AppState::new(
            apps(&self.config.apps, self.started.credentials.as_ref()),
            writer.intake(),
            tally.counter().holding(hold.clone()),
            self.clock.clone(),
            http::Limits::from(&self.config.http),
        );
        let probe = self.probe;
        let operators = admin::router(readiness(&probe, writer.pulse()), self.metrics.clone());
        let limits = ListenerLimits::from(&self.config.http);
        let max_rows = self.config.rejections.max_rows;
        let app = App {
            listeners: [
                serve(public, public::router(state.clone()), limits),
                serve(admin, operators, ListenerLimits::ADMIN),
            ],
            reached: worker::Reached {
                options: options.clone(),
                callbacks: state.callbacks().clone(),
            },
            state,
            pulse: writer.pulse(),
            committer: tokio::spawn(committer.run()),
            rejected: Rejected {
                options,
                tally,
                max_rows,
            },
            loops: TaskTracker::new(),
            stop: CancellationToken::new(),
            manager: Manager::of(&self.sources),
            sources: self.sources,
            started: self.started,
            database: self.database,
            _instance: self.instance,
        };
        app.loops.spawn(worker::repeat(app.stop.clone(), move || {
            let hold = hold.clone();
            async move { worker::tidy(&hold) }
        }));
        app.begin_loops(&self.config, self.clock, probe, self.metrics);
        app
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

/// Brings the schema up, and reads what was seen of Meta so far.
async fn migrate(database: &Database, clock: &Clock) -> Result<Vec<callbacks::Seen>, Error> {
    let mut connection = store::connect(&database.options(), database::PATIENCE).await?;
    store::migrate(&mut connection, clock.now()).await?;
    Ok(callbacks::all(&mut connection).await?)
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

/// What the probe misses; where it misses nothing, commits if they fail all the same: a disk that is
/// full still answers questions.
fn readiness(probe: &Probe, pulse: Pulse) -> Readiness {
    let probe = probe.clone();
    Readiness::new(move || {
        let mut missing = probe.missing();
        if missing.is_empty() && pulse.is_failing(Instant::now()) {
            missing.push("commits");
        }
        missing
    })
}

/// Where refused deliveries are held, how much of them and for how long.
fn held_in(config: &Config) -> held::Settings {
    let hold_for = config.rejections.hold_for.try_into();
    let hold_for = hold_for.unwrap_or(jiff::SignedDuration::MAX);
    held::Settings::new(&config.data_dir, config.rejections.hold, hold_for)
}

fn commits(database: &config::Database) -> Commits {
    if database.allow_lossy_commits {
        Commits::AsConfigured
    } else {
        Commits::Durable
    }
}
