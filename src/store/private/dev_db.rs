//! A throwaway private Postgres for tests and trials: it lives as long as somebody holds the
//! other end of a pipe, and leaves nothing behind.
//!
//! A pipe closes however its holder dies, so even a killed test binary leaves no server. Should
//! this process itself be killed, the next one sweeps its directory away.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::unistd::Uid;
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use super::error::{At, Error};
use super::layout::{self, Layout, PORT};
use super::server::{DATABASE, USER};
use super::{PrivatePostgres, Settings, postmaster, supervisor};
use crate::ownership::Lock;

/// Begins the name of every throwaway directory. Whatever is called so and is not locked may be
/// removed.
const PREFIX: &str = "hookshelf-dev-";

/// Begins its name until it is locked, so that nobody sweeps it away while it is being made.
const PREFIX_BEFORE_LOCK: &str = "hookshelf-new-";

/// Where throwaway directories go when the user who runs Postgres cannot get to the usual place.
const COMMON: &str = "/tmp";

/// Where a throwaway Postgres is, told once it answers.
#[derive(Debug, Serialize)]
pub struct DevDb {
    /// A connection URL that sqlx and psql take.
    pub url: String,
    /// The directory of the unix socket.
    pub socket_dir: PathBuf,
    /// The number in the name of the socket.
    pub port: u16,
    /// The superuser, who needs no password.
    pub user: &'static str,
    /// A database.
    pub database: &'static str,
    /// The directory that holds all of it and is removed at the end.
    pub dir: PathBuf,
}

/// Runs a throwaway Postgres in a new directory below `settings.dir` until `input` ends or this
/// process is told to stop (SIGINT, SIGTERM, SIGHUP), then ends it and removes the directory.
/// `ready` learns where it is.
///
/// # Errors
/// As [`PrivatePostgres::start`] and [`PrivatePostgres::stop`], and when the directory cannot be
/// made or removed.
pub async fn dev_db(
    settings: Settings,
    input: impl Read + Send + 'static,
    ready: impl FnOnce(&DevDb) -> io::Result<()>,
) -> Result<(), Error> {
    let told_to_stop = told_to_stop().at("listen for signals in", &settings.dir)?;
    let input_ended = ended(input);
    let (mut postgres, dir) = start_somewhere(&settings).await?;
    let told = ready(&describe(&postgres.layout)).at("tell about", &dir);
    if told.is_ok() {
        tokio::select! {
            _ = input_ended => {}
            () = told_to_stop => {}
        }
    }
    let stopped = postgres.finish(supervisor::CARELESS).await;
    let removed = remove(&dir);
    told.and(stopped).and(removed)
}

async fn start_somewhere(settings: &Settings) -> Result<(PrivatePostgres, PathBuf), Error> {
    match start_below(&settings.dir, settings).await {
        Err(Error::Unreachable { .. }) => start_below(Path::new(COMMON), settings).await,
        other => other,
    }
}

async fn start_below(
    parent: &Path,
    settings: &Settings,
) -> Result<(PrivatePostgres, PathBuf), Error> {
    sweep(parent).await;
    let (dir, lock) = make_locked_dir(parent)?;
    let settings = Settings {
        dir: dir.clone(),
        ..settings.clone()
    };
    match PrivatePostgres::start_locked(&settings, Layout::below(&dir)?, lock).await {
        Ok(postgres) => Ok((postgres, dir)),
        Err(error) => remove(&dir).and(Err(error)),
    }
}

/// The directory gets its final name when it is locked: the lock belongs to the file, whatever
/// its path.
fn make_locked_dir(parent: &Path) -> Result<(PathBuf, Lock), Error> {
    let parent = fs::canonicalize(parent).at("find", parent)?;
    let mut random = [0_u8; 6];
    getrandom::fill(&mut random)
        .map_err(io::Error::from)
        .at("name a directory in", &parent)?;
    let random = hex::encode(random);
    let new = parent.join(format!("{PREFIX_BEFORE_LOCK}{random}"));
    let dir = parent.join(format!("{PREFIX}{random}"));
    layout::make_dir(&new)?;
    let lock = layout::lock(&new)?;
    fs::rename(&new, &dir).at("rename", &new)?;
    Ok((dir, lock))
}

/// Ends and removes what killed processes left. A leftover that resists is left to the next one.
async fn sweep(parent: &Path) {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    for entry in entries.filter(|it| it.file_name().to_string_lossy().starts_with(PREFIX)) {
        if is_own_dir(&entry.path())
            && let Err(error) = sweep_one(&entry.path()).await
        {
            tracing::debug!(dir = %entry.path().display(), %error, "throwaway Postgres left");
        }
    }
}

async fn sweep_one(dir: &Path) -> Result<(), Error> {
    let _lock = layout::lock(dir)?;
    let layout = Layout::below(dir)?;
    if let Some(pid) = postmaster::find(&layout.data) {
        postmaster::send(pid, Signal::SIGQUIT);
        let gone = async {
            while postmaster::is_alive(pid, &layout.data) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let ended = tokio::time::timeout(Duration::from_secs(10), gone).await;
        ended.map_err(|_| Error::StillRunning { pid: pid.as_raw() })?;
    }
    layout.remove_outer_socket_dir();
    remove(dir)
}

/// The common directory is open to all users: only a real directory of this user is swept.
fn is_own_dir(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|it| it.is_dir() && it.uid() == Uid::effective().as_raw())
}

fn remove(dir: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).at("remove", dir),
        _ => Ok(()),
    }
}

fn describe(layout: &Layout) -> DevDb {
    let host = layout.socket.as_os_str().as_encoded_bytes();
    let host: String = form_urlencoded::byte_serialize(host).collect();
    DevDb {
        // The host of the query wins; the one before it only makes the URL a complete one.
        url: format!("postgres://{USER}@localhost:{PORT}/{DATABASE}?host={host}"),
        socket_dir: layout.socket.clone(),
        port: PORT,
        user: USER,
        database: DATABASE,
        dir: layout.root.clone(),
    }
}

/// Reads in a thread of its own, because a read of standard input cannot be cancelled and would
/// hold up the end of the runtime.
fn ended(mut input: impl Read + Send + 'static) -> oneshot::Receiver<()> {
    let (sender, receiver) = oneshot::channel();
    std::thread::spawn(move || {
        let _ = io::copy(&mut input, &mut io::sink());
        let _ = sender.send(());
    });
    receiver
}

/// Registered before anything is started: from here on the signals no longer kill.
fn told_to_stop() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    })
}
