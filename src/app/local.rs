//! The API over the database, for commands that run without a server.

use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{consumers, keys, rescue};
use crate::{
    clock::Clock,
    config::{self, Config, credentials},
    forward::consumer::{Handle, Handles},
    http::{self, AppState, LocalApi, SpoolApi},
    ingest::{DatabaseState, Readiness, Recheck, Tally, Writer},
    query::{Audit, Scope, Sessions, stream::Hub},
    spool::SpoolReport,
    store::{ConnectOptions, Error, Writes, wake::Wakes},
    telemetry::metrics::Exposition,
    worker::{Streaming, WakePoll},
};

/// Maximum number of streams.
const STREAMS: usize = 1;

/// The API over the database, and the tasks of its streams.
#[derive(Debug)]
pub struct Local {
    /// The API.
    pub api: LocalApi,
    _tasks: [AbortOnDropHandle<()>; 2],
}

impl Local {
    /// Connects to the database at `options` and answers queries within `scope`.
    ///
    /// # Errors
    /// If Postgres is unavailable.
    pub async fn open(
        config: &Config,
        options: &ConnectOptions,
        scope: Scope,
    ) -> Result<Self, Error> {
        let (sessions, database) = (Sessions::one(options).await?, DatabaseState::default());
        database.note(true);
        let (stop, wakes) = (CancellationToken::new(), Wakes::default());
        let (hub, feed) = Hub::new(options.clone(), stop.clone());
        let (changes, key) = (Writes::new(options), keys::audit_key(&config.data_dir));
        let (writer, _) = Writer::new(options.clone(), None);
        let api = http::Api {
            sessions,
            audit: Audit::new(changes.clone(), key).unrecorded(),
            writes: changes,
            streams: http::Streams::new(hub, STREAMS),
            consumers: http::ConsumerApi::new(handles(config), stop.clone()),
            targets: consumers::targets(config),
            recheck: Recheck::new(
                rescue::quarantine(config),
                options.clone(),
                writer.clone(),
                Clock::system(),
            ),
            readiness: Readiness {
                database,
                allow_lossy: config.database.allow_lossy_commits,
                breaker: writer.breaker(),
                spool: None,
            },
            apps: state(config, writer),
            spool: SpoolApi::off(SpoolReport::off(config.spool.directory(&config.data_dir))),
            metrics: Exposition::idle(),
            public_url: None,
        };
        let poll = WakePoll::new(options.clone(), wakes.clone());
        let tasks = [
            tokio::spawn(Streaming::new(feed, wakes).run(stop.clone())),
            tokio::spawn(poll.run(stop)),
        ];
        Ok(Self {
            api: LocalApi::new(api, scope),
            _tasks: tasks.map(AbortOnDropHandle::new),
        })
    }
}

/// Handles of the configured consumers, without an owner.
fn handles(config: &Config) -> Handles {
    let handles = Handles::default();
    let names = config.consumers.keys().map(ToString::to_string);
    handles.replace(names.map(|it| (it, Handle::new().0)).collect());
    handles
}

/// State with the apps of the configuration, or of the first start.
fn state(config: &Config, writer: Writer) -> AppState {
    let clock = Clock::system();
    let limits = http::Limits::from(&config.http);
    let (apps, tally) = (http::Apps::from(&apps(config)), Tally::new(clock.clone()));
    AppState::new(apps, writer, tally, clock, limits)
}

/// The configured apps, or the one of the first start. Without the right to read its secrets,
/// rejections are explained without them.
fn apps(config: &Config) -> config::Apps {
    let mut apps = config.apps.clone();
    if apps.is_empty() {
        let generated = credentials::load(&config.data_dir).ok().flatten();
        apps.extend(generated.map(|it| (it.app.name.clone(), it.app)));
    }
    apps
}
