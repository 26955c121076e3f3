//! Postgres of a run: private, durable and temporary; and its databases.

use std::{
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::Context;
use hookshelf::{
    clock::Clock,
    store::{self, private},
};
use serde::Deserialize;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};

use crate::usage;

/// Migrated template database.
const TEMPLATE: &str = "template_compare";

/// Runs the private Postgres of the product, with fsync and synchronous commits, until standard
/// input is closed.
pub(crate) async fn serve(dir: &Path) -> anyhow::Result<()> {
    let mut settings = private::Settings::new(dir);
    settings.search_path = std::env::var_os("PATH");
    settings.durable = true;
    private::dev_db(settings, io::stdin(), print_address).await?;
    Ok(())
}

fn print_address(db: &private::DevDb) -> io::Result<()> {
    let mut out = io::stdout();
    serde_json::to_writer(&mut out, db)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Location of the Postgres, as the process prints it.
#[derive(Deserialize)]
struct DevDbAddress {
    url: String,
    dir: PathBuf,
}

/// A running Postgres.
pub(crate) struct Postgres {
    process: Child,
    place: DevDbAddress,
    admin: PgConnection,
    postmaster: i32,
    made: u32,
}

impl Postgres {
    /// Starts Postgres on the disk of the target directory. `/tmp` may be in memory, where a commit
    /// costs nothing.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["postgres", env!("CARGO_TARGET_TMPDIR")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let output = process.stdout.take().context("no output")?;
        BufReader::new(output).read_line(&mut line)?;
        let place: DevDbAddress = serde_json::from_str(&line)
            .context("no Postgres to measure on: what it says stands above")?;
        // If the user of Postgres cannot access the target directory, the place is elsewhere, maybe
        // in memory.
        eprintln!("Postgres stores in {}", place.dir.display());
        let mut admin = connect(&place.url, "postgres").await?;
        let backend: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
            .fetch_one(&mut admin)
            .await?;
        let mut this = Self {
            process,
            place,
            admin,
            postmaster: usage::parent(backend)?,
            made: 0,
        };
        // Autovacuum runs by the clock, so its work would fall into random turns.
        this.run("ALTER SYSTEM SET autovacuum = off").await?;
        this.run("SELECT pg_reload_conf()").await?;
        this.make_template().await?;
        Ok(this)
    }

    async fn make_template(&mut self) -> anyhow::Result<()> {
        self.run(&format!("CREATE DATABASE {TEMPLATE}")).await?;
        let mut connection = self.connect(TEMPLATE).await?;
        store::migrate(&mut connection, Clock::system().now()).await?;
        sqlx::raw_sql(include_str!("tables.sql"))
            .execute(&mut connection)
            .await?;
        Ok(connection.close().await?)
    }

    /// A directory that is removed with the Postgres.
    pub(crate) fn dir(&self) -> &Path {
        &self.place.dir
    }

    /// Creates a database with all tables, empty; returns its name.
    pub(crate) async fn make(&mut self) -> anyhow::Result<String> {
        self.made += 1;
        let name = format!("compare_{}", self.made);
        self.make_as(&name).await?;
        Ok(name)
    }

    /// Creates a database with all tables under this name.
    pub(crate) async fn make_as(&mut self, name: &str) -> anyhow::Result<()> {
        self.run(&format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE}"))
            .await
    }

    /// Drops a database.
    pub(crate) async fn drop(&mut self, name: &str) -> anyhow::Result<()> {
        self.run(&format!("DROP DATABASE {name} WITH (FORCE)"))
            .await
    }

    /// Forces a checkpoint, so that a measurement does not pay for earlier writes.
    pub(crate) async fn checkpoint(&mut self) -> anyhow::Result<()> {
        self.run("CHECKPOINT").await
    }

    /// Connects to a database.
    pub(crate) async fn connect(&self, name: &str) -> anyhow::Result<PgConnection> {
        connect(&self.place.url, name).await
    }

    /// URL of a database.
    pub(crate) fn url(&self, name: &str) -> anyhow::Result<String> {
        let mut url = url::Url::parse(&self.place.url)?;
        url.set_path(name);
        Ok(url.into())
    }

    /// Bytes of WAL written so far.
    pub(crate) async fn wal(&mut self) -> anyhow::Result<i64> {
        let sql = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint";
        Ok(sqlx::query_scalar(sql).fetch_one(&mut self.admin).await?)
    }

    /// Server version.
    pub(crate) async fn version(&mut self) -> anyhow::Result<String> {
        let sql = "SELECT current_setting('server_version')";
        Ok(sqlx::query_scalar(sql).fetch_one(&mut self.admin).await?)
    }

    /// CPU seconds of all Postgres processes so far.
    pub(crate) fn cpu(&self) -> anyhow::Result<f64> {
        usage::cpu_of_family(self.postmaster)
    }

    async fn run(&mut self, sql: &str) -> anyhow::Result<()> {
        let sql = AssertSqlSafe(sql.to_owned());
        sqlx::raw_sql(sql).execute(&mut self.admin).await?;
        Ok(())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

async fn connect(url: &str, name: &str) -> anyhow::Result<PgConnection> {
    let options: PgConnectOptions = url.parse()?;
    let options = options.database(name).disable_statement_logging();
    Ok(options.connect().await?)
}
