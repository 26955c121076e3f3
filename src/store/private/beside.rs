//! Connections from other processes to a private Postgres. Distinguishes a server that is not
//! running from a hanging server and from a server that this user may not access.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;

use nix::unistd::Uid;
use sqlx::Connection;
use sqlx::postgres::PgConnectOptions;
use tokio::time::timeout;

use super::error::Error;
use super::layout::Layout;
use super::{PrivatePostgres, Settings, postmaster, server};
use crate::ownership::{name_of, private_owner};

impl PrivatePostgres {
    /// Connection options of the running server of a directory. Takes no lock and changes nothing,
    /// so any process may call it.
    ///
    /// # Errors
    /// If the server is not running, is starting, hangs, refuses the connection, or is not
    /// accessible for this user.
    pub async fn connect_if_running(settings: &Settings) -> Result<PgConnectOptions, Error> {
        let layout = Layout::below(&settings.dir).map_err(|error| match error {
            Error::File { source, .. } => away(settings, source),
            other => other,
        })?;
        check_socket(settings, &layout)?;
        let asked = timeout(server::PATIENCE, server::connect_to_own(&layout)).await;
        let connection = asked
            .map_err(|_| hanging(settings, &layout))?
            .map_err(|error| refused(settings, &layout, error))?;
        // The server has answered; an error while closing the session does not matter.
        let _ = connection.close().await;
        Ok(server::connect_options(&layout))
    }
}

/// Checks that the owner of the socket is the owner of the data: in a directory shared by all
/// users, another user may have created the socket.
fn check_socket(settings: &Settings, layout: &Layout) -> Result<(), Error> {
    let data = fs::metadata(&layout.data).map_err(|error| away(settings, error))?;
    let socket = fs::symlink_metadata(&layout.socket).map_err(|error| away(settings, error))?;
    let is_private = private_owner(&layout.socket).is_some();
    if is_private && socket.uid() == data.uid() {
        Ok(())
    } else if layout.socket.starts_with(&layout.root) {
        Err(not_running(settings))
    } else {
        let dir = layout.socket.clone();
        Err(Error::SocketDir { dir })
    }
}

/// Error for a file that is missing or not readable by this user.
fn away(settings: &Settings, error: io::Error) -> Error {
    match error.kind() {
        ErrorKind::NotFound => not_running(settings),
        ErrorKind::PermissionDenied => denied(settings),
        _ => Error::File {
            action: "look into",
            path: settings.dir.clone(),
            source: error,
        },
    }
}

/// Error for a connection that failed.
fn refused(settings: &Settings, layout: &Layout, error: sqlx::Error) -> Error {
    let kind = match &error {
        sqlx::Error::Io(error) => Some(error.kind()),
        _ => None,
    };
    let (dir, source) = (settings.dir.clone(), Box::new(error));
    match kind {
        Some(ErrorKind::PermissionDenied) => denied(settings),
        // The listen queue is full.
        Some(ErrorKind::WouldBlock) => hanging(settings, layout),
        Some(ErrorKind::NotFound | ErrorKind::ConnectionRefused)
            if postmaster::find(&layout.data).is_none() =>
        {
            not_running(settings)
        }
        Some(ErrorKind::NotFound | ErrorKind::ConnectionRefused) => Error::Busy { dir, source },
        _ if server::is_starting(&source) => Error::Busy { dir, source },
        _ => Error::Refuses { dir, source },
    }
}

fn not_running(settings: &Settings) -> Error {
    let dir = settings.dir.clone();
    Error::NotRunning { dir }
}

fn hanging(settings: &Settings, layout: &Layout) -> Error {
    Error::Hanging {
        dir: settings.dir.clone(),
        pid: postmaster::find(&layout.data).map(nix::unistd::Pid::as_raw),
        seconds: server::PATIENCE.as_secs(),
        log: layout.log.clone(),
    }
}

fn denied(settings: &Settings) -> Error {
    Error::Denied {
        dir: settings.dir.clone(),
        own: name_of(Uid::effective()),
    }
}
