//! The stage of an outage: a server, a Postgres of its own, and senders who do as Meta does.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::support::{
    cluster::Cluster,
    directory::Directory,
    eventually,
    message::message,
    server::{NO_SPOOL, Server, apps, deliver_to},
};

/// What the house promises: an answer within four seconds, whatever hangs.
const PROMISED: Duration = Duration::from_secs(4);

/// How many deliver at once.
const SENDERS: usize = 8;

/// How many acks say that storing goes on.
const SOME: usize = 40;

/// Between two tries of a delivery that got 503. Meta leaves more.
const PAUSE: Duration = Duration::from_millis(20);

/// A server that stores in the database at `url`, and has no spool.
pub(super) fn serve(url: &str, more: &str) -> Server {
    serve_with(url, &format!("{more}\n{NO_SPOOL}"))
}

/// A server that stores in the database at `url`; `more` goes on in its section.
pub(super) fn serve_with(url: &str, more: &str) -> Server {
    let directory = Directory::create();
    let configuration = apps(["default"]);
    let configuration = format!("{configuration}[database]\nurl = {url:?}\n{more}\n");
    std::fs::write(directory.join("hookshelf.toml"), configuration).unwrap();
    Server::start_in(directory, None)
}

/// The URL of what `options` lead to over TCP.
pub(super) fn url_of(options: &PgConnectOptions) -> String {
    let (host, port) = (options.get_host(), options.get_port());
    let user = options.get_username();
    let database = options.get_database().unwrap();
    format!("postgres://{user}@{host}:{port}/{database}?sslmode=disable")
}

/// What the senders saw.
#[derive(Debug, Default)]
struct Ledger {
    acked: BTreeSet<String>,
    put_off: usize,
    slowest: Duration,
    faults: Vec<String>,
}

/// Deliveries that flow until they are told to end.
pub(super) struct Flow {
    ledger: Arc<Mutex<Ledger>>,
    end: CancellationToken,
    senders: JoinSet<()>,
}

impl Flow {
    /// Begins to deliver to `server`.
    pub(super) fn to(server: &Server) -> Self {
        let (ledger, end) = (Arc::<Mutex<Ledger>>::default(), CancellationToken::new());
        let mut senders = JoinSet::new();
        for sender in 0..SENDERS {
            let sending = send(server.public, sender, Arc::clone(&ledger), end.clone());
            senders.spawn(sending);
        }
        Self {
            ledger,
            end,
            senders,
        }
    }

    fn look<T>(&self, at: impl FnOnce(&Ledger) -> T) -> T {
        at(&self.ledger.lock().unwrap())
    }

    /// Waits until some more are acked.
    pub(super) async fn goes_on(&self) {
        let before = self.look(|ledger| ledger.acked.len());
        eventually("more deliveries are acked", async || {
            self.look(|ledger| ledger.acked.len()) >= before + SOME
        })
        .await;
    }

    /// Waits until some are told to come again.
    pub(super) async fn is_put_off(&self) {
        let before = self.put_off();
        eventually("deliveries are told to come again", async || {
            self.put_off() >= before + SENDERS
        })
        .await;
    }

    /// How many answers said to come again.
    pub(super) fn put_off(&self) -> usize {
        self.look(|ledger| ledger.put_off)
    }

    /// Lets every delivery come to its end, and compares what was answered with what is stored.
    pub(super) async fn ends_well(mut self, database: &mut PgConnection) {
        self.end.cancel();
        while let Some(ended) = self.senders.join_next().await {
            ended.unwrap();
        }
        let ledger = std::mem::take(&mut *self.ledger.lock().unwrap());
        assert!(ledger.faults.is_empty(), "{:?}", ledger.faults);
        assert!(ledger.slowest <= PROMISED, "{:?}", ledger.slowest);
        eventually("all that was acked is stored", async || {
            ledger
                .acked
                .is_subset(&events(database).await.into_iter().collect())
        })
        .await;
        let stored = events(database).await;
        let distinct: BTreeSet<String> = stored.iter().cloned().collect();
        assert_eq!(distinct.len(), stored.len(), "an event was stored twice");
    }
}

/// The message of each event.
pub(super) async fn events(database: &mut PgConnection) -> Vec<String> {
    sqlx::query_scalar("SELECT message_id FROM events ORDER BY position")
        .fetch_all(database)
        .await
        .unwrap()
}

/// Delivers message after message; what is put off comes again, as with Meta, until it is acked.
async fn send(to: SocketAddr, sender: usize, ledger: Arc<Mutex<Ledger>>, end: CancellationToken) {
    for number in 0.. {
        let mid = format!("mid.{sender}.{number}");
        while !deliver(to, &mid, &ledger).await {
            tokio::time::sleep(PAUSE).await;
        }
        if end.is_cancelled() {
            return;
        }
    }
}

/// One try; whether it is settled.
async fn deliver(to: SocketAddr, mid: &str, ledger: &Mutex<Ledger>) -> bool {
    let asked = Instant::now();
    let answer = deliver_to(to, "/webhook", message(mid, "Two loaves")).await;
    let mut ledger = ledger.lock().unwrap();
    ledger.slowest = ledger.slowest.max(asked.elapsed());
    match answer {
        Ok(answer) if answer.status == 200 => {
            ledger.acked.insert(mid.to_owned());
            return true;
        }
        Ok(answer) if answer.status == 503 && answer.headers.contains_key("retry-after") => {
            ledger.put_off += 1;
        }
        other => {
            ledger.faults.push(format!("{other:?}"));
            return true;
        }
    }
    false
}

/// Waits until readiness names just these.
pub(super) async fn until_missing(server: &Server, missing: &[&str]) {
    until_standing(server, missing, &[]).await;
}

/// Waits until readiness says that the spool stands in for just these.
pub(super) async fn until_degraded(server: &Server, degraded: &[&str]) {
    until_standing(server, &[], degraded).await;
}

async fn until_standing(server: &Server, missing: &[&str], degraded: &[&str]) {
    let list = |names: &[&str]| serde_json::to_string(names).unwrap();
    let (lacks, makes_do) = (list(missing), list(degraded));
    let expected = format!("\"missing\":{lacks},\"degraded\":{makes_do}");
    eventually(&format!("readiness says {expected}"), async || {
        let answer = server.ask_admin("/readyz").await;
        let said = String::from_utf8_lossy(&answer.body).into_owned();
        (answer.status == 200) == missing.is_empty() && said.contains(&expected)
    })
    .await;
}

/// A server in front of a Postgres that a test may do anything to.
pub(super) struct Stage {
    pub(super) postgres: Cluster,
    pub(super) server: Server,
}

impl Stage {
    /// With these settings of Postgres.
    pub(super) async fn with(settings: &[&str]) -> Self {
        let postgres = Cluster::start_with(settings).await;
        Self::before(postgres)
    }

    /// In front of a running Postgres.
    pub(super) fn before(postgres: Cluster) -> Self {
        let server = serve(&postgres.url(), "allow_lossy_commits = true");
        Self { postgres, server }
    }

    /// With a spool, and deliveries that have begun to be stored.
    pub(super) async fn with_a_spool() -> (Self, Flow) {
        let postgres = Cluster::start_with(&[]).await;
        let server = serve_with(&postgres.url(), "allow_lossy_commits = true");
        let stage = Self { postgres, server };
        let flow = Flow::to(&stage.server);
        flow.goes_on().await;
        (stage, flow)
    }

    /// With deliveries that have begun to be stored.
    pub(super) async fn at_work(settings: &[&str]) -> (Self, Flow) {
        let stage = Self::with(settings).await;
        let flow = Flow::to(&stage.server);
        flow.goes_on().await;
        (stage, flow)
    }

    /// It goes on by itself, says so, and everything is right.
    pub(super) async fn ends_well(self, flow: Flow) {
        flow.goes_on().await;
        until_missing(&self.server, &[]).await;
        let mut database = self.postgres.connect().await;
        flow.ends_well(&mut database).await;
        database.close().await.unwrap();
    }
}
