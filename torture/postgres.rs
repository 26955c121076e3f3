//! A separate Postgres on a small disk, which can be killed, stopped and frozen.

use std::{
    fs,
    os::unix::fs::{MetadataExt, chown},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use hookshelf::store::private::{PrivatePostgres, Settings};
use nix::{sys::signal::Signal, unistd::geteuid};
use sqlx::{ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use tokio::{process::Command, time::timeout};

use crate::process::Process;

/// Maximum time for an orderly stop.
const STOPPING: Duration = Duration::from_secs(30);

/// Deadline of a query.
const PATIENCE: Duration = Duration::from_secs(5);

/// A Postgres server and its data.
#[derive(Debug)]
pub(crate) struct Postgres {
    program: PathBuf,
    data: PathBuf,
    options: PgConnectOptions,
    settings: Vec<String>,
    log: PathBuf,
    running: Option<Process>,
}

impl Postgres {
    /// Creates the data below `dir`, or reuses existing data. Nothing is started.
    pub(crate) async fn make(dir: &Path, log: &Path) -> anyhow::Result<Self> {
        let mut private = Settings::new(dir);
        private.search_path = std::env::var_os("PATH");
        let made = PrivatePostgres::start(private).await?;
        let options = made.connect_options().disable_statement_logging();
        made.stop().await?;
        let data = dir.join("data");
        let started = fs::read_to_string(data.join("postmaster.opts"))?;
        let program = started.split(' ').next().context("no program")?.into();
        Ok(Self {
            program,
            data,
            options,
            settings: Vec::new(),
            log: log.to_owned(),
            running: None,
        })
    }

    /// Adds settings for the next start.
    pub(crate) fn set(&mut self, settings: &[&str]) {
        self.settings = settings.iter().map(ToString::to_string).collect();
    }

    /// Connection options.
    pub(crate) fn options(&self) -> &PgConnectOptions {
        &self.options
    }

    /// Path of the socket.
    pub(crate) fn socket(&self) -> anyhow::Result<PathBuf> {
        let directory = self.options.get_socket().context("no socket")?;
        Ok(directory.join(format!(".s.PGSQL.{}", self.options.get_port())))
    }

    /// Starts the server unless it runs, without waiting.
    pub(crate) fn start(&mut self) -> anyhow::Result<()> {
        if let Some(running) = &mut self.running
            && !running.has_ended()?
        {
            return Ok(());
        }
        let socket = self.options.get_socket().context("no socket")?;
        fs::create_dir_all(socket)?;
        let owner = fs::metadata(&self.data)?;
        let mut command = Command::new(&self.program);
        if geteuid().is_root() {
            chown(socket, Some(owner.uid()), Some(owner.gid()))?;
            command.uid(owner.uid()).gid(owner.gid());
        }
        command.current_dir("/").env("LC_ALL", "C");
        command.arg("-D").arg(&self.data).arg("-k").arg(socket);
        let port = format!("port={}", self.options.get_port());
        let given = self.settings.iter().map(String::as_str);
        for setting in USUAL.into_iter().chain(given).chain([port.as_str()]) {
            command.args(["-c", setting]);
        }
        self.running = Some(Process::start(&mut command, &self.log)?);
        Ok(())
    }

    /// True if the server answers a query.
    pub(crate) async fn answers(&self) -> bool {
        timeout(PATIENCE, self.ask())
            .await
            .is_ok_and(|it| it.is_ok())
    }

    async fn ask(&self) -> sqlx::Result<()> {
        let mut connection: PgConnection = self.options.connect().await?;
        connection.ping().await?;
        connection.close().await
    }

    /// Kills all processes at once, as the OOM killer might and worse.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        match self.running.take() {
            Some(mut running) => running.kill_all().await,
            None => Ok(()),
        }
    }

    /// Stops the server in fast mode.
    pub(crate) async fn stop(&mut self) -> anyhow::Result<()> {
        let Some(mut running) = self.running.take() else {
            return Ok(());
        };
        running.signal_all(Signal::SIGCONT);
        if running.end(Signal::SIGINT, STOPPING).await.is_err() {
            running.kill_all().await?;
        }
        Ok(())
    }

    /// Freezes all processes with SIGSTOP, or continues them.
    pub(crate) fn freeze(&self, frozen: bool) {
        let signal = if frozen {
            Signal::SIGSTOP
        } else {
            Signal::SIGCONT
        };
        if let Some(running) = &self.running {
            running.signal_all(signal);
        }
    }
}

/// Settings for every start. WAL files are small, because the disk is small.
const USUAL: [&str; 10] = [
    "fsync=on",
    "full_page_writes=on",
    "listen_addresses=",
    "max_connections=60",
    "max_wal_size=160MB",
    "min_wal_size=32MB",
    "shared_buffers=64MB",
    "jit=off",
    "log_error_verbosity=terse",
    "log_min_error_statement=panic",
];
