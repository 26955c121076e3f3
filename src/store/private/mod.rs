//! The private Postgres: a database server of our own, used if no database is configured.
//!
//! A start locks the directory, chooses the user and the programs, creates the data directory, and
//! starts the server or adopts the server of a killed process. A supervisor restarts the server
//! until it is stopped. The server listens on a Unix socket only; the mode of the socket's
//! directory is the authentication. This module knows nothing of the data stored in the server.

mod account;
mod beside;
mod binaries;
mod cluster;
mod dev_db;
#[cfg(feature = "download-postgres")]
mod download;
mod error;
mod layout;
mod postmaster;
mod psql;
mod server;
mod supervisor;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;
use sqlx::postgres::PgConnectOptions;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

pub use dev_db::{DevDb, dev_db};
pub use error::Error;
pub use layout::make_dir;
pub use psql::{psql, psql_to};

use account::Account;
use binaries::Binaries;
use layout::Layout;
use server::Server;
use supervisor::{Stop, Supervisor};

use crate::ownership::Lock;
#[cfg(feature = "download-postgres")]
use crate::telemetry::{LogEvent, postgres::ProgramsDownloaded};

/// Oldest supported major version. `DETACH PARTITION CONCURRENTLY` needs version 14.
const MINIMUM_MAJOR: u32 = 14;

/// Poll interval for the end of an interrupted start.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Maximum wait for the end of an interrupted start: the duration of an orderly stop.
const LONGEST_END: Duration = Duration::from_mins(1);

/// Settings of a private Postgres.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// Root directory: `<data_dir>/postgres`.
    pub dir: PathBuf,
    /// Directory of `postgres` and `initdb`; `None` searches for it.
    pub bin_dir: Option<PathBuf>,
    /// Value of `PATH`, which is searched first.
    pub search_path: Option<OsString>,
    /// User to run Postgres as if this process is root and no data exist yet.
    pub run_as: Option<String>,
    /// True if commits survive a power cut; false only for throwaway data.
    pub durable: bool,
    /// Maximum number of connections.
    pub max_connections: u16,
}

impl Settings {
    /// Default settings for a directory.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            bin_dir: None,
            search_path: None,
            run_as: None,
            durable: true,
            max_connections: 100,
        }
    }
}

/// State of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// The server answered after its last start and has not ended since.
    Up,
    /// The server has ended or is starting.
    Down,
}

/// Connection options for the private Postgres of a directory, running or not.
///
/// # Errors
/// If the directory cannot be created.
pub fn connect_options(settings: &Settings) -> Result<PgConnectOptions, Error> {
    layout::make_dir(&settings.dir)?;
    Ok(server::connect_options(&Layout::below(&settings.dir)?))
}

/// True if the directory has a private Postgres, running or not.
pub fn has_data(settings: &Settings) -> bool {
    settings.dir.join("data").join("PG_VERSION").exists()
}

/// Waits until this process no longer holds the lock of the directory: an interrupted start cleans
/// up in the background. Gives up after the time of an orderly stop.
pub async fn until_left(settings: &Settings) {
    let left = async {
        while is_held_here(&settings.dir) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let _ = tokio::time::timeout(LONGEST_END, left).await;
}

fn is_held_here(dir: &Path) -> bool {
    let here = Some(std::process::id());
    matches!(layout::lock(dir), Err(Error::Locked { pid, .. }) if pid == here)
}

/// A running private Postgres, supervised until it is stopped.
///
/// Dropping the value without [`stop`](Self::stop) asks the server to end and does not wait. If
/// this process is killed, the server keeps running, and the next start adopts it.
#[derive(Debug)]
pub struct PrivatePostgres {
    layout: Layout,
    health: watch::Receiver<Health>,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    stop: oneshot::Sender<Stop>,
    supervisor: JoinHandle<Result<(), Error>>,
}

impl PrivatePostgres {
    /// Starts the private Postgres of a directory, or adopts the running server, and returns once
    /// the server answers.
    ///
    /// # Errors
    /// If another process holds the directory, if there are no programs or no user to run them, or
    /// if the server does not start. Existing data are not changed.
    pub async fn start(settings: Settings) -> Result<Self, Error> {
        layout::make_dir(&settings.dir)?;
        let layout = Layout::below(&settings.dir)?;
        let lock = layout::lock(&layout.root)?;
        Self::start_locked(
            &Settings {
                dir: layout.root.clone(),
                ..settings
            },
            layout,
            lock,
        )
        .await
    }

    async fn start_locked(settings: &Settings, layout: Layout, lock: Lock) -> Result<Self, Error> {
        let server = prepare(settings, layout.clone()).await?;
        let (health_sender, health) = watch::channel(Health::Down);
        let (ready_sender, ready) = oneshot::channel();
        let (stop, stop_receiver) = oneshot::channel();
        let supervisor = Supervisor::new(server, health_sender, lock);
        let supervisor = tokio::spawn(supervisor.run(ready_sender, stop_receiver));
        let mut this = Self {
            layout,
            health,
            running: Some(Running { stop, supervisor }),
        };
        match ready.await {
            Ok(Ok(())) => Ok(this),
            Ok(Err(error)) => {
                this.finish(supervisor::ORDERLY).await?;
                Err(error)
            }
            Err(_) => this.finish(supervisor::ORDERLY).await.map(|()| this),
        }
    }

    /// Connection options: the Unix socket and the database. For tests, which have no settings at
    /// hand; the program calls the function of this name.
    pub fn connect_options(&self) -> PgConnectOptions {
        server::connect_options(&self.layout)
    }

    /// Watches the state of the server.
    pub fn health(&self) -> watch::Receiver<Health> {
        self.health.clone()
    }

    /// Ends all sessions, stops the server, and waits until it has ended.
    ///
    /// # Errors
    /// If the server does not end within a minute. It is left running, never killed.
    pub async fn stop(mut self) -> Result<(), Error> {
        self.finish(supervisor::ORDERLY).await
    }

    async fn finish(&mut self, how: Stop) -> Result<(), Error> {
        let Some(Running { stop, supervisor }) = self.running.take() else {
            return Ok(());
        };
        // If the receiver is gone, the supervisor has ended and its result holds the reason.
        let _ = stop.send(how);
        supervisor.await.map_err(Error::Watcher)?
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        if self.running.is_some()
            && let Some(pid) = postmaster::find(&self.layout.data)
        {
            postmaster::send(pid, Signal::SIGINT);
        }
    }
}

/// Prepares the user, the programs and the data directory.
async fn prepare(settings: &Settings, layout: Layout) -> Result<Server, Error> {
    let account = Account::choose(settings.run_as.as_deref(), &layout.data)?;
    account.check_reach(&layout.root).await?;
    let binaries = find_binaries(settings, cluster::major(&layout.data)?, &account).await?;
    cluster::ensure(&layout, &binaries, &account, settings.durable).await?;
    let (durable, max_connections) = (settings.durable, settings.max_connections);
    Ok(Server {
        layout,
        binaries,
        account,
        durable,
        max_connections,
    })
}

async fn find_binaries(
    settings: &Settings,
    wanted: Option<u32>,
    account: &Account,
) -> Result<Binaries, Error> {
    let found = Binaries::find(settings, wanted, account).await;
    #[cfg(feature = "download-postgres")]
    if found.is_err() && settings.bin_dir.is_none() && wanted.is_none_or(|it| it == download::MAJOR)
    {
        let programs = settings.dir.join(binaries::DOWNLOADED);
        ProgramsDownloaded { into: &programs }.emit();
        let package = download::package().map_err(Error::Download)?;
        let dir = download::download(&package, &programs)
            .await
            .map_err(Error::Download)?;
        return Binaries::probe(&dir, account).await.map_or(found, Ok);
    }
    found
}
