//! A throwaway private Postgres for tests and trials: it runs until its input ends, and leaves
//! nothing behind.
//!
//! A pipe closes however its holder dies, so even a killed test binary leaves no server. If this
//! process is killed, the next one deletes the directory.

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
use crate::telemetry::LogEvent;
use crate::telemetry::postgres::ThrowawayKept;

/// Name prefix of throwaway directories. A directory with this prefix that is not locked may be
/// deleted.
const PREFIX: &str = "hookshelf-dev-";

/// Name prefix of a directory that is not locked yet, to protect it from the sweep.
const PREFIX_BEFORE_LOCK: &str = "hookshelf-new-";

/// Parent directory if the user who runs Postgres cannot enter the usual one.
const COMMON: &str = "/tmp";

/// Address of a throwaway Postgres, reported once it answers.
#[derive(Debug, Serialize)]
pub struct DevDb {
    /// Connection URL for sqlx and psql.
    pub url: String,
    /// Directory of the Unix socket.
    pub socket_dir: PathBuf,
    /// Port number in the name of the socket.
    pub port: u16,
    /// Superuser; needs no password.
    pub user: &'static str,
    /// Name of an existing database.
    pub database: &'static str,
    /// Directory that holds everything; deleted at the end.
    pub dir: PathBuf,
}

/// Runs a throwaway Postgres in a new directory below `settings.dir` until `input` ends or this
/// process gets SIGINT, SIGTERM or SIGHUP. Then stops it and deletes the directory. Calls `ready`
/// with the address.
///
/// # Errors
/// Same as [`PrivatePostgres::start`] and [`PrivatePostgres::stop`], and if the directory cannot be
/// created or deleted.
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

/// Creates a directory, locks it, and renames it to its final name: the lock belongs to the open
/// file and survives the rename.
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

/// Stops servers and deletes directories that killed processes left. Errors are left to the next
/// sweep.
async fn sweep(parent: &Path) {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    for entry in entries.filter(|it| it.file_name().to_string_lossy().starts_with(PREFIX)) {
        if is_own_dir(&entry.path())
            && let Err(error) = sweep_one(&entry.path()).await
        {
            let (dir, cause) = (&entry.path(), &error);
            ThrowawayKept { dir, cause }.emit();
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

/// True if `path` is a real directory of this user: the common directory is writable for all users.
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
        // The `host` parameter takes precedence; `localhost` only completes the URL.
        url: format!("postgres://{USER}@localhost:{PORT}/{DATABASE}?host={host}"),
        socket_dir: layout.socket.clone(),
        port: PORT,
        user: USER,
        database: DATABASE,
        dir: layout.root.clone(),
    }
}

/// Reads on a separate thread, because a read of standard input cannot be cancelled and would block
/// the shutdown of the runtime.
fn ended(mut input: impl Read + Send + 'static) -> oneshot::Receiver<()> {
    let (sender, receiver) = oneshot::channel();
    std::thread::spawn(move || {
        let _ = io::copy(&mut input, &mut io::sink());
        let _ = sender.send(());
    });
    receiver
}

/// Registers the signal handlers, before anything is started: from now on the signals do not kill.
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
