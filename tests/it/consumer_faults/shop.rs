//! A server with the consumer `bot`, its workers, and their ledger.

use std::{
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use jiff::{SignedDuration, Timestamp};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use sqlx::{ConnectOptions, PgConnection, postgres::PgConnectOptions};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{
    ledger::{Ledger, Note, Summary},
    worker::{Address, Worker},
};
use crate::support::{
    cluster::Cluster,
    directory::Directory,
    eventually,
    postgres::TestDatabase,
    server::{Server, apps, settle},
};

/// Account of all messages.
pub(super) const ACCOUNT: &str = "17840000000000001";

/// A consumer of all messages. Retries come after a second.
pub(super) const BOT: &str = "[consumers.bot]\nkinds = ['message']\nstart = 'beginning'\nbackoff = '1s..1s'\nmax_attempts = 1000\n";

/// A server with the consumer `bot`.
pub(super) struct Shop {
    server: Option<Server>,
    database: PgConnectOptions,
    address: Address,
    pub(super) ledger: Ledger,
    said: AtomicUsize,
}

/// Workers that go on until [`Shop::closes`].
#[derive(Default)]
pub(super) struct Staff {
    pub(super) tasks: JoinSet<()>,
    pub(super) end: CancellationToken,
}

impl Shop {
    /// A shop whose consumer has these further lines.
    pub(super) async fn open(lines: &str) -> Self {
        Self::open_in(Directory::create(), lines, &[]).await
    }

    /// A shop in this directory whose server has these variables.
    pub(super) async fn open_in(
        directory: Directory,
        lines: &str,
        variables: &[(&str, &Path)],
    ) -> Self {
        let place = TestDatabase::create().await;
        write(&directory, &format!("{}{BOT}{lines}", apps(["default"])));
        let database = place.options();
        let server = Server::start_where(directory, Some(place), variables);
        Self::with(server, database).await
    }

    /// A shop at a dedicated Postgres.
    pub(super) async fn open_at(postgres: &Cluster, lines: &str) -> Self {
        let (url, directory) = (postgres.url(), Directory::create());
        Self::open_behind(&url, (postgres.options(), directory), lines, &[]).await
    }

    /// A shop whose server reaches its database at `url`.
    pub(super) async fn open_behind(
        url: &str,
        (database, directory): (PgConnectOptions, Directory),
        lines: &str,
        variables: &[(&str, &Path)],
    ) -> Self {
        let configuration = format!("{}{}{BOT}{lines}", at(url), apps(["default"]));
        write(&directory, &configuration);
        Self::with(Server::start_where(directory, None, variables), database).await
    }

    /// A shop with this server, and the database of that server.
    pub(super) async fn with(server: Server, database: PgConnectOptions) -> Self {
        let shop = Self {
            address: Arc::new(Mutex::new(server.admin)),
            server: Some(server),
            database,
            ledger: Ledger::default(),
            said: AtomicUsize::new(0),
        };
        shop.serves().await;
        shop
    }

    pub(super) fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    /// Waits until the consumer serves. Workers ask this server from now on.
    pub(super) async fn serves(&self) {
        let worker = self.worker("nobody");
        eventually("the consumer serves", async || {
            *self.address.lock().unwrap() = self.server().admin;
            let answer = worker.post("settle", &json!({})).await;
            answer.is_some_and(|(status, _)| status == 200)
        })
        .await;
    }

    /// A worker with leases of a minute.
    pub(super) fn worker(&self, name: &str) -> Worker {
        Worker {
            name: name.to_owned(),
            address: Arc::clone(&self.address),
            ledger: self.ledger.clone(),
            lease_s: 60.0,
        }
    }

    /// Lets workers without faults work until [`Shop::closes`].
    pub(super) fn hire(&self, count: usize) -> Staff {
        let mut staff = Staff::default();
        for number in 0..count {
            let worker = self.worker(&format!("w{number}"));
            staff.tasks.spawn(worker.work(staff.end.clone()));
        }
        staff
    }

    /// A person sends messages in one delivery.
    pub(super) async fn say(&self, person: &str, count: usize) {
        self.say_since(person, count, SignedDuration::ZERO).await;
    }

    /// A person sends messages in one delivery. By Meta's clock they are so old.
    pub(super) async fn say_since(&self, person: &str, count: usize, age: SignedDuration) {
        let (path, body) = ("/webhook", self.delivery(person, count, age));
        assert_eq!(self.server().deliver(path, body).await.status, 200);
    }

    /// Body of a delivery with messages of a person.
    pub(super) fn delivery(&self, person: &str, count: usize, age: SignedDuration) -> String {
        let time = (now() - age).as_millisecond();
        let first = self.said.fetch_add(count, Ordering::Relaxed);
        let item = |number: usize| {
            json!({"sender": {"id": person}, "recipient": {"id": ACCOUNT}, "timestamp": time,
                "message": {"mid": format!("mid.{number}"), "text": "hello"}})
        };
        let items: Vec<_> = (first..first + count).map(item).collect();
        let entry = json!({"id": ACCOUNT, "time": time, "messaging": items});
        json!({"object": "instagram", "entry": [entry]}).to_string()
    }

    /// Kills the server and starts it again. Leases may be lost.
    pub(super) fn restart(&mut self) {
        self.ledger.note(Note::LeasesLost);
        let ledger = self.ledger.clone();
        // A worker may have asked since.
        self.restart_after(|| ledger.note(Note::LeasesLost));
    }

    /// Kills the server, lets something happen, and starts the server again.
    pub(super) fn restart_after(&mut self, happening: impl FnOnce()) {
        let server = self.server.take().unwrap();
        server.signal(Signal::SIGKILL);
        let (_, directory, place) = server.wait();
        happening();
        self.start(directory, place);
    }

    /// Stops the server, runs a command beside its database, and starts the server again.
    pub(super) async fn stop_for(&mut self, command: &[&str]) {
        let (status, directory, place) = self.server.take().unwrap().stop();
        assert!(status.success(), "{status}");
        let mut verb = Command::new(env!("CARGO_BIN_EXE_hookshelf"));
        settle(&mut verb, directory.path(), place.as_ref());
        let output = verb.args(command).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        self.start(directory, place);
        self.serves().await;
    }

    fn start(&mut self, directory: Directory, place: Option<TestDatabase>) {
        let server = Server::start_in(directory, place);
        *self.address.lock().unwrap() = server.admin;
        self.server = Some(server);
    }

    /// Changes the configuration of the consumer and reloads it.
    pub(super) fn reload(&self, consumer: &str) {
        let server = self.server();
        write(
            &server.directory,
            &format!("{}{consumer}", apps(["default"])),
        );
        let output = server.run(&["reload"]);
        assert!(output.status.success(), "{output:?}");
    }

    pub(super) async fn connect(&self) -> PgConnection {
        self.database.connect().await.unwrap()
    }

    /// State of the consumer.
    pub(super) async fn state(&self) -> Value {
        let answer = self.server().ask_admin("/v1/consumers/bot").await;
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// All events that are stored, each with its lane.
    pub(super) async fn events(&self) -> Vec<(i64, String)> {
        let events =
            "SELECT position, account_id || '/' || person_id FROM events ORDER BY position";
        let events = sqlx::query_as(events);
        events.fetch_all(&mut self.connect().await).await.unwrap()
    }

    /// Waits until the hand-outs so far outlive a crash: a head is written.
    pub(super) async fn has_saved(&self, position: i64) {
        let mut database = self.connect().await;
        eventually("the hand-out is saved", async || {
            let saved = "SELECT heads <> '' AND position >= $1 FROM consumers WHERE name = 'bot'";
            let saved = sqlx::query_scalar(saved).bind(position);
            saved.fetch_one(&mut database).await.unwrap()
        })
        .await;
    }

    /// Waits until it is stored that all events are settled.
    pub(super) async fn has_settled_all(&self) {
        let mut database = self.connect().await;
        let sql = "SELECT heads = '' AND backlogs IS NULL AND position >= (SELECT max(position) FROM events)
                   AND NOT EXISTS (SELECT FROM consumer_lanes WHERE consumer = name)
                   FROM consumers WHERE name = 'bot'";
        eventually("all events are settled", async || {
            let settled = sqlx::query_scalar(sql).fetch_one(&mut database).await;
            settled.unwrap()
        })
        .await;
    }

    /// Waits until so many replays are done.
    pub(super) async fn until_replayed(&self, count: i64) {
        let mut database = self.connect().await;
        eventually("the replay is done", async || {
            let done = sqlx::query_scalar("SELECT count(*) = $1 FROM replays WHERE state = 'done'");
            done.bind(count).fetch_one(&mut database).await.unwrap()
        })
        .await;
    }

    /// Waits until a state of the consumer is true.
    pub(super) async fn until(&self, what: &str, is_true: impl Fn(&Value) -> bool) {
        eventually(what, async || is_true(&self.state().await)).await;
    }

    /// Lets the workers finish, and checks the ledger: all events of the log are settled, but those
    /// that may be skipped.
    pub(super) async fn closes(&self, staff: Staff, skipped: &[i64]) -> Summary {
        self.has_settled_all().await;
        let mut events = self.events().await;
        events.retain(|(position, _)| !skipped.contains(position));
        staff.end.cancel();
        staff.tasks.join_all().await;
        self.ledger.check(&events)
    }
}

/// Section of the configuration for a Postgres without fsync.
pub(super) fn at(url: &str) -> String {
    format!("[database]\nurl = {url:?}\nallow_lossy_commits = true\n")
}

/// Writes the configuration of a server.
pub(super) fn write(directory: &Directory, configuration: &str) {
    std::fs::write(directory.join("hookshelf.toml"), configuration).unwrap();
}

/// The right time.
pub(super) fn now() -> Timestamp {
    hookshelf::clock::Clock::system().now()
}
