//! A database for each test: one throwaway Postgres per test binary with a migrated template, which
//! is cloned for each test.
//!
//! The server is `hookshelf dev-db`, which ends with the pipe that this process holds. Tests only
//! use [`TestDatabase::create`].

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, mpsc};

use hookshelf::clock::Clock;
use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

/// Name of the migrated template.
const TEMPLATE: &str = "template_hookshelf";

/// The server of this process. Statics are never dropped, but the pipe closes however the process
/// ends.
static SERVER: LazyLock<DevDb> = LazyLock::new(|| {
    let server = DevDb::start(Command::new(env!("CARGO_BIN_EXE_hookshelf")).arg("dev-db"));
    run_apart(make_template(server.options()));
    server
});

/// Drops the databases of finished tests one by one on another thread, to limit the disk space.
static JANITOR: LazyLock<mpsc::Sender<String>> = LazyLock::new(|| {
    let (sender, names) = mpsc::channel();
    std::thread::spawn(move || drop_databases(&names));
    sender
});

/// A running `hookshelf dev-db`.
pub(crate) struct DevDb {
    pub(crate) process: Child,
    /// The server runs as long as this end of the pipe is open.
    pub(crate) input: Option<ChildStdin>,
    pub(crate) place: DevDbAddress,
}

/// Output line of `hookshelf dev-db` once it is ready.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DevDbAddress {
    pub(crate) url: String,
    pub(crate) dir: PathBuf,
}

impl DevDb {
    /// Starts a server with the given command and waits until it is ready.
    pub(crate) fn start(command: &mut Command) -> Self {
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut process = spawned.expect("hookshelf dev-db starts");
        let mut line = String::new();
        let output = process.stdout.take().expect("its output is a pipe");
        BufReader::new(output)
            .read_line(&mut line)
            .expect("its output is text");
        let place = serde_json::from_str(&line).expect("hookshelf dev-db says where it is");
        let input = process.stdin.take();
        Self {
            process,
            input,
            place,
        }
    }

    /// Connection options.
    pub(crate) fn options(&self) -> PgConnectOptions {
        self.place.options()
    }
}

impl DevDbAddress {
    /// Connection options.
    pub(crate) fn options(&self) -> PgConnectOptions {
        PgConnectOptions::from_str(&self.url)
            .expect("dev-db prints a connection URL")
            .disable_statement_logging()
    }
}

/// A migrated database of one test. It is dropped with the value.
#[derive(Debug)]
pub(crate) struct TestDatabase {
    name: String,
}

impl TestDatabase {
    /// Creates a database.
    pub(crate) async fn create() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let mut connection = admin().await;
        let sql = format!(
            "CREATE DATABASE {name} TEMPLATE {TEMPLATE} {}",
            copy_files(&mut connection).await
        );
        let created = sqlx::query(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await;
        created.expect("a database is cloned from the template");
        Self { name }
    }

    /// Connection options.
    pub(crate) fn options(&self) -> PgConnectOptions {
        SERVER.options().database(&self.name)
    }

    /// Connection URL for `[database] url` or `DATABASE_URL`.
    pub(crate) fn url(&self) -> String {
        let mut url = url::Url::parse(&SERVER.place.url).expect("dev-db prints a URL");
        url.set_path(&self.name);
        url.into()
    }

    /// Opens a session.
    pub(crate) async fn connect(&self) -> PgConnection {
        self.options()
            .connect()
            .await
            .expect("the test's database answers")
    }

    /// A connection pool.
    pub(crate) async fn pool(&self) -> PgPool {
        PgPool::connect_with(self.options())
            .await
            .expect("the test's database answers")
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        // If the janitor has ended, the database is deleted with the server.
        let _ = JANITOR.send(std::mem::take(&mut self.name));
    }
}

/// Clause for `CREATE DATABASE` that copies files. Without fsync this is faster than copying
/// through the WAL, which would also grow with each database. Before Postgres 15 it is the only
/// strategy and has no clause.
async fn copy_files(connection: &mut PgConnection) -> &'static str {
    let sql = "SELECT current_setting('server_version_num')::int >= 150000";
    let choice = sqlx::query_scalar(sql).fetch_one(connection).await;
    if choice.expect("the server has a version") {
        "STRATEGY FILE_COPY"
    } else {
        ""
    }
}

async fn admin() -> PgConnection {
    let options = SERVER.options().database("postgres");
    options
        .connect()
        .await
        .expect("the server of the tests answers")
}

async fn make_template(server: PgConnectOptions) {
    let mut admin = server
        .clone()
        .database("postgres")
        .connect()
        .await
        .expect("a connection");
    let sql = AssertSqlSafe(format!("CREATE DATABASE {TEMPLATE}"));
    sqlx::query(sql)
        .execute(&mut admin)
        .await
        .expect("the template is made");
    let mut connection = server
        .database(TEMPLATE)
        .connect()
        .await
        .expect("a connection");
    migrate(&mut connection).await;
    // A template with an open session cannot be cloned.
    connection.close().await.expect("the template is left");
}

/// Migrates the template.
async fn migrate(connection: &mut PgConnection) {
    let now = Clock::system().now();
    hookshelf::store::migrate(connection, now)
        .await
        .expect("the template is migrated");
}

fn drop_databases(names: &mpsc::Receiver<String>) {
    run_apart_here(async {
        let mut admin = admin().await;
        while let Ok(name) = names.recv() {
            let sql = AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
            // The server may end at any moment, and deletes its databases.
            let _ = sqlx::query(sql).execute(&mut admin).await;
        }
    });
}

/// Runs a future on another thread, because the caller may be inside a runtime, where blocking is
/// forbidden.
fn run_apart(future: impl Future<Output = ()> + Send) {
    std::thread::scope(|scope| {
        scope
            .spawn(|| run_apart_here(future))
            .join()
            .expect("it ran to its end");
    });
}

fn run_apart_here(future: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(future);
}
