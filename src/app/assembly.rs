//! Assembly of a server from its parts, once nothing can fail any more.

use std::net::SocketAddr;

use tokio::task::JoinHandle;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    App, Database, Manager, Started,
    consumers::Consumers,
    database,
    opening::Opened,
    rescue, spooling,
    upkeep::{Upkeep, keep},
};
use crate::{
    clock::Clock,
    config::{self, Config, Sources},
    http::{self, Access, AppState, Listener, ListenerLimits, SpoolApi, admin, public},
    ingest::{
        CircuitBreaker, Committer, DatabaseState, Drained, Readiness, Recheck, Spooling, Tally,
        Writer,
    },
    instance::{self, Claim},
    query::{
        Audit, AuditKey, Sessions,
        stream::{Hub, Log},
    },
    spool::Spool,
    store::{Writes, consumers::Owner, sessions::AdminSessions, wake::Wakes},
    telemetry::metrics::Exposition,
    worker::{self, ConsumerParts, Probe, Rejected, Streaming, Tables},
};

/// Results of the fallible steps of a start.
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
    /// SHA-256 of the server's own token; `None` if its file could not be written.
    pub(super) own_token: Option<[u8; 32]>,
    pub(super) audit_key: AuditKey,
}

/// Maximum number of sessions for queries of the API.
const SESSIONS: u32 = 16;

/// Drain task of the spool, if there is a spool, and the token that stops it. The drain is stopped
/// before the writer, because it holds a handle of the writer.
#[derive(Debug)]
pub(super) struct Draining {
    pub(super) stop: CancellationToken,
    pub(super) task: Option<JoinHandle<()>>,
}

/// A running listener.
#[derive(Debug)]
pub(super) struct Serving {
    pub(super) stop: http::listener::Stop,
    pub(super) task: JoinHandle<Result<(), http::listener::Error>>,
}

impl Parts {
    /// Starts all tasks; deliveries are accepted when it returns.
    pub(super) async fn assemble(self, [public, admin]: [Listener; 2]) -> App {
        let (loops, stop) = (TaskTracker::new(), CancellationToken::new());
        let wakes = Wakes::default();
        let (writer, committer) = self.writer(&wakes);
        let quarantine = rescue::start_quarantine(&self.config, self.clock.clone());
        let tally = Tally::new(self.clock.clone()).with_quarantine(quarantine.clone());
        let state = self.state(&writer, &tally);
        let (progress, breaker) = (writer.progress(), writer.breaker());
        let drained = Drained::default();
        let spooling = self.spooling(&drained);
        let readiness = self.readiness(breaker.clone());
        let recheck = self.recheck(&writer);
        let (hub, log, streams) = self.streams(&wakes, &loops, &stop);
        let consumers = self.consumers(log);
        let signals = (breaker, wakes);
        let followed = (drained.clone(), consumers.clone());
        let upkeep = self.upkeep((&state, tally), signals, (&readiness, followed));
        let spool_api = spooling::api(spooling.as_ref(), &self.config, &self.started.left_behind);
        let (access, operators) = self.operators(
            admin.address(),
            (readiness, spool_api, recheck),
            (hub, &consumers, streams.clone()),
            (&state, &loops, &stop),
        );
        let operators = http::known_as(operators, self.claim.id().clone());
        state.answer_as(self.claim.id().clone());
        let (rejected, reached) = (upkeep.rejected.clone(), upkeep.reached.clone());
        let gaps = upkeep.gaps.clone();
        if let Some(spooling) = spooling {
            spooling::watch(spooling, &loops, stop.clone());
        }
        keep(&loops, stop.clone(), quarantine, |it| async move {
            worker::tidy(&it)
        });
        upkeep.begin(self.opened, loops.clone(), stop.clone()).await;
        App {
            draining: drain(self.spool, writer, drained),
            listeners: serve([public, admin], (&state, operators), &self.config.http),
            reached,
            gaps,
            consumers,
            access,
            state,
            progress,
            committer: tokio::spawn(committer.run()),
            rejected,
            loops,
            stop,
            streams,
            manager: Manager::of(&self.sources),
            sources: self.sources,
            started: self.started,
            database: self.database,
            claim: self.claim,
            clock: self.clock,
        }
    }

    /// State of the public routes.
    fn state(&self, writer: &Writer, tally: &Tally) -> AppState {
        let apps = http::Apps::from(&self.config.apps);
        let limits = http::Limits::from(&self.config.http);
        AppState::new(
            apps,
            writer.clone(),
            tally.clone(),
            self.clock.clone(),
            limits,
        )
    }

    /// The writer, and its committer to run, which reports commits to `wakes`.
    fn writer(&self, wakes: &Wakes) -> (Writer, Committer) {
        let (writer, committer) = Writer::new(self.database.options(), self.spool.clone());
        let commits = database::commits(&self.config.database);
        let committer = committer.with_durability(commits);
        (writer, committer.with_wakes(wakes.clone()))
    }

    /// The consumers of the configuration, which read `log` once the database is open.
    fn consumers(&self, log: Log) -> Consumers {
        let parts = ConsumerParts {
            options: self.database.options(),
            commits: database::commits(&self.config.database),
            log,
            owner: Owner {
                name: self.owner(),
                address: self.config.admin.advertised(),
            },
            clock: self.clock.clone(),
        };
        Consumers::new(parts, &self.config)
    }

    /// Identity of this server as owner of consumers. Servers in containers may share the host name
    /// and the path of the data directory; the key in the directory tells them apart. Without the
    /// key, a restarted server waits for the end of its former ownership.
    fn owner(&self) -> String {
        let name = instance::name(&self.config.data_dir);
        let hash = self.audit_key.hash(&name);
        let hash = hash.unwrap_or_else(|_| self.claim.id().as_str().to_owned());
        format!("{name}#{}", hash.chars().take(8).collect::<String>())
    }

    /// Starts the feed of the streams and consumers. The token ends the streams.
    fn streams(
        &self,
        wakes: &Wakes,
        loops: &TaskTracker,
        stop: &CancellationToken,
    ) -> (Hub, Log, CancellationToken) {
        let streams = CancellationToken::new();
        let (hub, feed) = Hub::new(self.database.options(), streams.clone());
        let log = feed.log();
        loops.spawn(Streaming::new(feed, wakes.clone()).run(stop.clone()));
        (hub, log, streams)
    }

    /// Routes of the admin listener at `address`, and their access.
    fn operators(
        &self,
        address: SocketAddr,
        (readiness, spool, recheck): (Readiness, SpoolApi, Recheck),
        (hub, consumers, streams): (Hub, &Consumers, CancellationToken),
        (state, loops, stop): (&AppState, &TaskTracker, &CancellationToken),
    ) -> (Access, http::Routes) {
        let options = self.database.options();
        let writes = Writes::new(&options);
        let api = http::Api {
            sessions: Sessions::new(&options, SESSIONS),
            audit: Audit::new(writes.clone(), self.audit_key.clone()),
            writes,
            streams: http::Streams::new(hub, self.config.admin.max_streams),
            consumers: http::ConsumerApi::new(consumers.handles(), streams),
            targets: consumers.targets(),
            apps: state.clone(),
            spool,
            recheck,
            readiness,
            metrics: self.metrics.clone(),
            public_url: self
                .config
                .http
                .public_url
                .as_ref()
                .map(ToString::to_string),
        };
        let sessions = AdminSessions::new(api.writes.clone());
        let browsers = sessions.clone();
        let (access, failed) = Access::new(&self.config, address, self.own_token, browsers);
        keep(loops, stop.clone(), sessions, |it| async move {
            worker::check_sessions(&it).await
        });
        let (audit, stop) = (api.audit.clone(), stop.clone());
        loops.spawn(worker::record_failed_logins(failed, audit, stop));
        let routes = admin::router(access.clone(), api);
        (access, routes)
    }

    /// Recheck of rejected deliveries, which stores them with `writer`.
    fn recheck(&self, writer: &Writer) -> Recheck {
        let quarantine = rescue::quarantine(&self.config);
        let options = self.database.options();
        Recheck::new(quarantine, options, writer.clone(), self.clock.clone())
    }

    /// The spool with its drain, if there is a spool.
    fn spooling(&self, drained: &Drained) -> Option<Spooling> {
        self.spool.clone().map(|spool| Spooling {
            spool,
            settings: spooling::settings(&self.config),
            drained: drained.clone(),
            clock: self.clock.clone(),
            left_behind: self.started.left_behind.clone(),
        })
    }

    fn readiness(&self, breaker: CircuitBreaker) -> Readiness {
        Readiness {
            database: DatabaseState::default(),
            allow_lossy: self.config.database.allow_lossy_commits,
            breaker,
            spool: self.spool.clone(),
        }
    }

    /// Background loops.
    fn upkeep(
        &self,
        (state, tally): (&AppState, Tally),
        (breaker, wakes): (CircuitBreaker, Wakes),
        (readiness, (drained, consumers)): (&Readiness, (Drained, Consumers)),
    ) -> Upkeep {
        let (config, options) = (&self.config, self.database.options());
        Upkeep {
            tables: Tables {
                options: options.clone(),
                clock: self.clock.clone(),
                window: config.dedupe.window,
            },
            rejected: Rejected {
                options: options.clone(),
                tally,
                max_rows: config.rejections.max_rows,
            },
            probe: Probe {
                options: options.clone(),
                allow_lossy: readiness.allow_lossy,
                state: readiness.database.clone(),
                drained,
            },
            gaps: worker::Gaps {
                options: options.clone(),
                gaps: state.gaps().clone(),
                instance: instance::name(&config.data_dir),
                started_at: self.clock.now(),
                clock: self.clock.clone(),
                spool: self.spool.clone(),
                progress: worker::GapProgress::default(),
            },
            reached: worker::Reached {
                options,
                callbacks: state.callbacks().clone(),
            },
            consumers,
            database: self.database.clone(),
            min_free: config.database.min_free,
            metrics: self.metrics.clone(),
            breaker,
            wakes,
        }
    }
}

/// Starts the drain of the spool.
fn drain(spool: Option<Spool>, writer: Writer, drained: Drained) -> Draining {
    let stop = CancellationToken::new();
    let drain = spool.map(|spool| worker::Drain::new(spool, writer, drained));
    Draining {
        task: drain.map(|drain| tokio::spawn(drain.run(stop.clone()))),
        stop,
    }
}

/// Starts the listeners, each with its routes.
fn serve(
    [public, admin]: [Listener; 2],
    (state, operators): (&AppState, http::Routes),
    limits: &config::Http,
) -> [Serving; 2] {
    let serve = |listener: Listener, routes, limits| Serving {
        stop: listener.stop(),
        task: tokio::spawn(listener.serve(routes, limits)),
    };
    let routes = public::router(state.clone());
    [
        serve(public, routes, ListenerLimits::from(limits)),
        serve(admin, operators, ListenerLimits::ADMIN),
    ]
}
