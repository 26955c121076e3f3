//! A public listener (door) on a free port, with the test in place of the committer.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use hookshelf::{
    clock::{Clock, ManualClock},
    config::{self, Config, Sources},
    forward::consumer::{Handles, Targets},
    http::{
        Access, Api, AppKeys, AppState, Apps, ConsumerApi, Limits, Listener, ListenerLimits,
        SpoolApi, Streams, admin, listener, public,
    },
    ingest::{
        Committer, Durable, Failure, Readiness, Recheck, Refusal, Rejection, Settled, Tally, Writer,
    },
    meta::signature::{Secrets, sign},
    quarantine::QuarantineReader,
    query::{Audit, AuditKey, Sessions, stream::Hub},
    store::{self, Committed, Delivery, Writes, rejections::Count, sessions::AdminSessions},
    telemetry::metrics::Exposition,
};
use ipnet::IpNet;
use jiff::SignedDuration;
use secrecy::SecretString;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::wire::{Answer, Wire, post};
use crate::support::eventually;

/// App secret of a test app, derived from its name. The verify token is derived likewise.
pub(super) fn secret(app: &str) -> SecretString {
    format!("secret of {app}").into()
}

/// Previous secret of a test app.
pub(super) fn old_secret(app: &str) -> SecretString {
    format!("old secret of {app}").into()
}

pub(super) fn keys(app: &str) -> AppKeys {
    let (new, old) = (secret(app), old_secret(app));
    let secrets = Secrets::new([("app", &new), ("previous-1", &old)]);
    AppKeys::new(app, secrets, Some(format!("token-of-{app}").into()))
}

/// An app name that no other test uses, so that its metrics are separate.
pub(super) fn fresh_app() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("app_{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Metrics of the whole test process.
pub(super) fn metrics() -> &'static Exposition {
    static METRICS: LazyLock<Exposition> = LazyLock::new(|| Exposition::install().unwrap());
    &METRICS
}

/// Value of the series with all these labels; `None` if it does not exist.
pub(super) fn metric(name: &str, labels: &[&str]) -> Option<f64> {
    let text = metrics().render();
    let ends = |rest: &str| rest.starts_with(['{', ' ']);
    let mut lines = text
        .lines()
        .filter(|line| line.strip_prefix(name).is_some_and(ends));
    let line = lines.find(|line| labels.iter().all(|label| line.contains(label)))?;
    line.rsplit(' ').next()?.parse().ok()
}

/// Configuration from these variables.
pub(super) fn configured(variables: &[(&str, &str)]) -> Config {
    let data_dir = [("DATA_DIR", "/nowhere")];
    let variables = data_dir.iter().chain(variables);
    let env = variables.map(|(key, value)| (format!("HOOKSHELF__{key}"), (*value).to_owned()));
    let env = env.collect();
    config::load(&Sources {
        env,
        ..Sources::default()
    })
    .unwrap()
}

/// Default limits of a delivery.
pub(super) fn limits() -> Limits {
    Limits::from(&configured(&[]).http)
}

/// Default limits of a connection.
pub(super) fn listener_limits() -> ListenerLimits {
    ListenerLimits::from(&configured(&[]).http)
}

/// Opens an admin listener without tokens and without a database.
pub(super) fn open_admin(readiness: Readiness, spool: SpoolApi) -> SocketAddr {
    let listener = Listener::bind(listener::ADMIN, ([127, 0, 0, 1], 0).into()).unwrap();
    let address = listener.address();
    let options = store::options("postgres://nobody@127.0.0.1:1/none").unwrap();
    let (writer, _) = Writer::new(options.clone(), None);
    let tally = Tally::new(Clock::system());
    let sessions = Writes::new(&options);
    let api = Api {
        sessions: Sessions::new(&options, 1),
        audit: Audit::new(sessions.clone(), AuditKey::new("/nowhere/audit.key".into())),
        writes: sessions.clone(),
        streams: Streams::new(Hub::new(options.clone(), CancellationToken::new()).0, 0),
        consumers: ConsumerApi::new(Handles::default(), CancellationToken::new()),
        targets: Targets::default(),
        recheck: Recheck::new(
            QuarantineReader::new(Path::new("/none"), SignedDuration::ZERO),
            options,
            writer.clone(),
            Clock::system(),
        ),
        apps: AppState::new(Apps::default(), writer, tally, Clock::system(), limits()),
        spool,
        readiness,
        metrics: metrics().clone(),
        public_url: None,
    };
    let browsers = AdminSessions::new(sessions);
    let (access, _) = Access::new(&configured(&[]), address, None, browsers);
    let routes = admin::router(access, api);
    tokio::spawn(listener.serve(routes, ListenerLimits::ADMIN));
    address
}

/// Parameters of a door.
pub(super) struct Setup {
    pub(super) apps: Vec<AppKeys>,
    pub(super) limits: Limits,
    pub(super) connections: ListenerLimits,
    pub(super) name: &'static str,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            apps: vec![keys("default")],
            limits: limits(),
            connections: listener_limits(),
            name: listener::PUBLIC,
        }
    }
}

impl Setup {
    pub(super) fn with_apps(names: &[&str]) -> Self {
        Self {
            apps: names.iter().map(|name| keys(name)).collect(),
            ..Self::default()
        }
    }
}

/// An open door. It closes with the test's runtime.
pub(super) struct Door {
    pub(super) address: SocketAddr,
    pub(super) state: AppState,
    pub(super) stop: listener::Stop,
    pub(super) clock: ManualClock,
    pub(super) serving: JoinHandle<Result<(), listener::Error>>,
    arrivals: mpsc::UnboundedReceiver<Arrival>,
    tally: Tally,
    /// Counts that were drained but not asked for yet.
    counts: Vec<Count>,
}

/// A received delivery, and the sender of its result.
pub(super) type Arrival = (Delivery, oneshot::Sender<Settled>);

/// App, reason and network of a request that was not stored.
pub(super) type Counted<R> = (String, R, Option<IpNet>);

/// Forwards each delivery to the test, which decides its result.
async fn settle(mut committer: Committer, arrived: mpsc::UnboundedSender<Arrival>) {
    while let Some(all) = committer.take().await {
        for one in all {
            let (decide, settled) = oneshot::channel();
            arrived.send((one.delivery, decide)).unwrap();
            tokio::spawn(async { one.caller.settle(settled.await.expect("the test decides")) });
        }
    }
}

/// Network of the tests' own connections, as it is counted.
pub(super) fn here() -> Option<IpNet> {
    "127.0.0.0/24".parse().ok()
}

impl Door {
    /// Opens a door for the app `default`.
    pub(super) fn open() -> Self {
        Self::with(Setup::default())
    }

    pub(super) fn with(setup: Setup) -> Self {
        let apps = setup.apps.into_iter().collect();
        Self::to(apps, setup.limits, setup.connections, setup.name)
    }

    /// Opens a door with the limits and apps of `config`.
    pub(super) fn configured(config: &Config) -> Self {
        let (limits, connections) = ((&config.http).into(), (&config.http).into());
        Self::to((&config.apps).into(), limits, connections, listener::PUBLIC)
    }

    fn to(apps: Apps, limits: Limits, connections: ListenerLimits, name: &'static str) -> Self {
        super::logs::want_all_records();
        metrics();
        let (arrived, arrivals) = mpsc::unbounded_channel();
        let nowhere = store::options("postgres:///nobody?host=/nowhere").unwrap();
        let (writer, committer) = Writer::new(nowhere, None);
        tokio::spawn(settle(committer, arrived));
        let (clock, hand) = Clock::manual("2026-11-20T12:00:00.123456789Z".parse().unwrap());
        let tally = Tally::new(clock.clone());
        let state = AppState::new(apps, writer, tally.clone(), clock, limits);
        let listener = Listener::bind(name, ([127, 0, 0, 1], 0).into()).unwrap();
        let (address, stop) = (listener.address(), listener.stop());
        let routes = public::router(state.clone());
        Self {
            address,
            state,
            stop,
            clock: hand,
            serving: tokio::spawn(listener.serve(routes, connections)),
            arrivals,
            tally,
            counts: Vec::new(),
        }
    }

    pub(super) async fn wire(&self) -> Wire {
        Wire::to(self.address).await
    }

    /// Sends `request` on a new connection.
    pub(super) async fn ask(&self, request: impl AsRef<[u8]>) -> Answer {
        self.wire().await.ask(request).await
    }

    /// Next delivery, with the sender of its result.
    pub(super) async fn arrival(&mut self) -> Arrival {
        let arrival = timeout(Duration::from_secs(30), self.arrivals.recv()).await;
        arrival.expect("a delivery comes through").unwrap()
    }

    /// Next request that was counted as failed or as a 404.
    pub(super) async fn refusal(&mut self) -> Counted<Refusal> {
        let failures = [
            Failure::StoreUnavailable,
            Failure::QueueFull,
            Failure::BodyBudget,
            Failure::Stopping,
            Failure::Internal,
        ];
        let failures = failures.map(Refusal::Failed).into_iter();
        let unknown = [Refusal::UnknownApp, Refusal::UnknownPath];
        let all: Vec<_> = failures.chain(unknown).collect();
        self.counted(&all, Refusal::code).await
    }

    /// Next counted rejection.
    pub(super) async fn rejection(&mut self) -> Counted<Rejection> {
        self.counted(&Rejection::ALL, Rejection::code).await
    }

    /// Next request that was counted for one of `reasons`.
    async fn counted<R: Copy>(&mut self, reasons: &[R], code: fn(R) -> &'static str) -> Counted<R> {
        let mut found = None;
        eventually("a refusal is counted", async || {
            found = self.uncount(reasons, code);
            found.is_some()
        })
        .await;
        found.unwrap()
    }

    fn uncount<R: Copy>(
        &mut self,
        reasons: &[R],
        code: fn(R) -> &'static str,
    ) -> Option<Counted<R>> {
        self.counts.extend(self.tally.take());
        let reason = |count: &Count| reasons.iter().find(|it| code(**it) == count.reason);
        let mut counts = self.counts.iter_mut().filter(|it| it.count > 0);
        let (reason, count) = counts.find_map(|count| Some((*reason(count)?, count)))?;
        count.count -= 1;
        let prefix = count.prefix.as_ref().map(|prefix| prefix.parse().unwrap());
        Some((count.app.clone(), reason, prefix))
    }

    /// Sends `request` and settles its delivery with `settled`.
    pub(super) async fn deliver(
        &mut self,
        request: Vec<u8>,
        settled: Settled,
    ) -> (Delivery, Answer) {
        let mut wire = self.wire().await;
        wire.send(request).await;
        let (delivery, decide) = self.arrival().await;
        decide.send(settled).unwrap();
        (delivery, wire.answer().await)
    }

    /// True if no further delivery arrived and no further request was counted.
    pub(super) fn is_quiet(&mut self) -> bool {
        self.arrivals.try_recv().is_err()
            && self.uncount(&Rejection::ALL, Rejection::code).is_none()
    }
}

/// A POST to `app`, signed with its secret.
pub(super) fn signed(app: &str, body: &[u8]) -> Vec<u8> {
    signed_with(&secret(app), app, body)
}

pub(super) fn signed_with(secret: &SecretString, app: &str, body: &[u8]) -> Vec<u8> {
    let signature = sign(secret, body);
    let headers = [("x-hub-signature-256", signature.as_str())];
    post(&format!("/webhook/{app}"), &headers, body)
}

/// A result that is answered with 200.
pub(super) const STORED: Settled = Ok(Durable::Stored(Committed {
    new: 1,
    repeated: 0,
    problem: None,
}));
