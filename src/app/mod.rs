//! Construction and life of the server behind `serve`; the only module that constructs.
//!
//! Start goes from steps without side effects to steps with them: sockets, the data directory, the
//! spool, Postgres, migrations, tasks. Stop goes the other way: listeners, requests in flight, the
//! writer, counters, Postgres.

mod assembly;
mod consumers;
pub mod database;
pub(crate) mod descriptors;
mod error;
mod keys;
mod lifecycle;
pub mod local;
mod manager;
mod opening;
mod reached;
mod reloading;
pub mod rescue;
mod runtime;
mod signals;
mod spooling;
mod started;
mod upkeep;

use std::{path::PathBuf, sync::mpsc::Receiver};

use tokio::{sync::watch, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    clock::Clock,
    config::{self, Config, Sources, credentials},
    http::{Access, AppState, Listener, PassedSockets, listener},
    ingest::{WriterProgress, arrivals::Arrival},
    instance::Claim,
    store::private,
    telemetry::{LogEvent, metrics::Exposition, postgres::StopFailed},
    tunnel::{self, Tunnel},
    worker::{self, Rejected},
};
use assembly::{Draining, Parts, Serving};
use consumers::Consumers;
use database::Database;
pub use error::Error;
use keys::require_tokens;
pub use manager::Manager;
pub use reached::Reached;
pub use runtime::runtime;
pub use signals::Signals;
pub use started::Started;

/// A running server.
#[derive(Debug)]
pub struct App {
    sources: Sources,
    started: Started,
    manager: Manager,
    state: AppState,
    access: Access,
    listeners: [Serving; 2],
    committer: JoinHandle<()>,
    draining: Draining,
    progress: WriterProgress,
    rejected: Rejected,
    reached: worker::Reached,
    gaps: worker::Gaps,
    consumers: Consumers,
    loops: TaskTracker,
    stop: CancellationToken,
    /// Ends the streams, which would otherwise be requests in flight.
    streams: CancellationToken,
    database: Database,
    claim: Claim,
    clock: Clock,
}

impl App {
    /// Starts the server; returns when deliveries are accepted.
    ///
    /// # Errors
    /// If a step fails. Parts that were started are stopped again.
    pub async fn start(
        mut config: Config,
        sources: Sources,
        metrics: Exposition,
        clock: Clock,
    ) -> Result<Self, Error> {
        (config.http.max_connections, config.admin.max_streams) =
            descriptors::provide(config.http.max_connections, config.admin.max_streams);
        let begun = clock.now();
        let passed = PassedSockets::take(sources.var("LISTEN_FDNAMES"));
        let mut passed = passed.map_err(listener::Error::from)?;
        let public = Listener::open(listener::PUBLIC, config.http.listen, &mut passed)?;
        let admin = Listener::open(listener::ADMIN, config.admin.listen, &mut passed)?;
        private::make_dir(&config.data_dir)?;
        require_tokens(&config, admin.address())?;
        let claim = Claim::take(&config.data_dir)?;
        let own_token = keys::make_own_token(&claim);
        let audit_key = keys::load_audit_key(&config.data_dir);
        let credentials = credentials::complete(&mut config.apps, &config.data_dir)?;
        let spool = spooling::open(&config, &clock).await?;
        let database = Database::find(&config, &sources)?;
        let opened = match opening::open(&database, &clock, spool.is_some()).await {
            Ok(opened) => opened,
            Err(error) => {
                if let Err(error) = database.close().await {
                    StopFailed { cause: &error }.emit();
                }
                return Err(error);
            }
        };
        let addresses = [public.address(), admin.address()];
        let started = Started::collect(&config, addresses, credentials, &database, &opened);
        let parts = Parts {
            config,
            sources,
            metrics,
            clock,
            claim,
            spool,
            database,
            opened,
            started,
            own_token,
            audit_key,
        };
        let app = Box::pin(parts.assemble([public, admin])).await;
        app.note(begun, Ok(app.accepted()));
        Ok(app)
    }

    /// Result of the start.
    pub fn started(&self) -> &Started {
        &self.started
    }

    /// Deliveries from now on, each when it is settled. Only the first call gets any.
    pub fn arrivals(&self) -> Receiver<Arrival> {
        self.state.arrivals().follow()
    }

    /// Opens a tunnel to the public listener and keeps it open until the server has stopped. The
    /// receiver gets each public address.
    pub fn open_tunnel(
        &self,
        program: tunnel::Program,
        path: PathBuf,
    ) -> watch::Receiver<Option<config::PublicUrl>> {
        let tunnel = Tunnel {
            program,
            path,
            target: config::reachable(self.started.public),
            hidden: self.sources.private(),
            patience: tunnel::PATIENCE,
        };
        let (address, addresses) = watch::channel(None);
        self.loops
            .spawn(worker::keep_tunnel(self.stop.clone(), tunnel, address));
        addresses
    }
}
