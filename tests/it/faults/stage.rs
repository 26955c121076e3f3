//! Setup for outages: a server, its own Postgres, and senders that retry as Meta does.

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

/// Documented limit: an answer within four seconds, whatever hangs.
const PROMISED: Duration = Duration::from_secs(4);

/// Number of concurrent senders.
const SENDERS: usize = 8;

/// Number of acks that prove that storing continues.
const SOME: usize = 40;

/// Pause before a retry after 503. Meta's pauses are longer.
const PAUSE: Duration = Duration::from_millis(20);

/// Starts a server with the database at `url` and without a spool.
pub(super) fn serve(url: &str, more: &str) -> Server {
    serve_with(url, &format!("{more}\n{NO_SPOOL}"))
}

/// Starts a server with the database at `url`; `more` is added to the section `[database]`.
pub(super) fn serve_with(url: &str, more: &str) -> Server {
    let directory = Directory::create();
    let configuration = apps(["default"]);
    let configuration = format!("{configuration}[database]\nurl = {url:?}\n{more}\n");
    std::fs::write(directory.join("hookshelf.toml"), configuration).unwrap();
    Server::start_in(directory, None)
}

/// TCP URL for `options`.
pub(super) fn url_of(options: &PgConnectOptions) -> String {
    let (host, port) = (options.get_host(), options.get_port());
    let user = options.get_username();
    let database = options.get_database().unwrap();
    format!("postgres://{user}@{host}:{port}/{database}?sslmode=disable")
}

/// Results of all senders.
#[derive(Debug, Default)]
struct Ledger {
    acked: BTreeSet<String>,
    put_off: usize,
    slowest: Duration,
    faults: Vec<String>,
}

/// A continuous flow of deliveries.
pub(super) struct Flow {
    ledger: Arc<Mutex<Ledger>>,
    end: CancellationToken,
    senders: JoinSet<()>,
}

impl Flow {
    /// Starts the senders.
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

    /// Waits until [`SOME`] more deliveries are acked.
    pub(super) async fn goes_on(&self) {
        let before = self.look(|ledger| ledger.acked.len());
        eventually("more deliveries are acked", async || {
            self.look(|ledger| ledger.acked.len()) >= before + SOME
        })
        .await;
    }

    /// Waits until [`SENDERS`] more deliveries get 503.
    pub(super) async fn is_put_off(&self) {
        let before = self.put_off();
        eventually("deliveries are told to come again", async || {
            self.put_off() >= before + SENDERS
        })
        .await;
    }

    /// Number of answers with 503.
    pub(super) fn put_off(&self) -> usize {
        self.look(|ledger| ledger.put_off)
    }

    /// Stops the senders after their current delivery, and compares the acks with the stored
    /// events.
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

/// Message ids of all events.
pub(super) async fn events(database: &mut PgConnection) -> Vec<String> {
    sqlx::query_scalar("SELECT message_id FROM events ORDER BY position")
        .fetch_all(database)
        .await
        .unwrap()
}

/// Sends one message after the other; retries each until it is acked.
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

/// Tries once; returns true unless the delivery must be retried.
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

/// Waits until `/readyz` names exactly `missing`.
pub(super) async fn until_missing(server: &Server, missing: &[&str]) {
    until_standing(server, missing, &[]).await;
}

/// Waits until `/readyz` names exactly `degraded`: failures that the spool covers.
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

/// A server and its own Postgres.
pub(super) struct Stage {
    pub(super) postgres: Cluster,
    pub(super) server: Server,
}

impl Stage {
    /// Starts Postgres with `settings`, and a server.
    pub(super) async fn with(settings: &[&str]) -> Self {
        let postgres = Cluster::start_with(settings).await;
        Self::before(postgres)
    }

    /// Starts a server for a running Postgres.
    pub(super) fn before(postgres: Cluster) -> Self {
        let server = serve(&postgres.url(), "allow_lossy_commits = true");
        Self { postgres, server }
    }

    /// Starts a server with a spool, and a flow of deliveries.
    pub(super) async fn with_a_spool() -> (Self, Flow) {
        let postgres = Cluster::start_with(&[]).await;
        let server = serve_with(&postgres.url(), "allow_lossy_commits = true");
        let stage = Self { postgres, server };
        let flow = Flow::to(&stage.server);
        flow.goes_on().await;
        (stage, flow)
    }

    /// Starts a server without a spool, and a flow of deliveries.
    pub(super) async fn at_work(settings: &[&str]) -> (Self, Flow) {
        let stage = Self::with(settings).await;
        let flow = Flow::to(&stage.server);
        flow.goes_on().await;
        (stage, flow)
    }

    /// Checks that storing resumes, readiness is good, and every acked delivery is stored once.
    pub(super) async fn ends_well(self, flow: Flow) {
        flow.goes_on().await;
        until_missing(&self.server, &[]).await;
        let mut database = self.postgres.connect().await;
        flow.ends_well(&mut database).await;
        database.close().await.unwrap();
    }
}
