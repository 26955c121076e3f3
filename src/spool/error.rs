//! What is in the way of the spool, in words for the operator.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::ownership::is_full;

/// Why the spool cannot be opened, read or emptied.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directory does not do what the spool needs of it.
    #[error(
        "the spool cannot {what} {}: give this user the right to read and write there, make room \
         on its disk, or set spool.dir to another directory",
        .path.display()
    )]
    Directory {
        /// What was tried.
        what: &'static str,
        /// With which file or directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Others could change what is in the directory.
    #[error(
        "other users can write to the spool directory {} (mode {mode:o}): they could add \
         deliveries that nobody signed; run chmod go-w on it",
        .dir.display()
    )]
    OpenToOthers {
        /// The directory.
        dir: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The directory belongs to somebody else.
    #[error(
        "the spool directory {} belongs to user {owner}: run as that user, give it to this one \
         with chown, or set spool.dir to another directory",
        .dir.display()
    )]
    Owner {
        /// The directory.
        dir: PathBuf,
        /// The id of the user whose it is.
        owner: u32,
    },
    /// Another process uses the directory.
    #[error(
        "another process{} uses the spool {}: stop it first, or set spool.dir to another directory",
        .pid.map(|pid| format!(" ({pid})")).unwrap_or_default(),
        .dir.display()
    )]
    Held {
        /// The directory.
        dir: PathBuf,
        /// The process, if it says so.
        pid: Option<u32>,
    },
    /// The thread could not be started.
    #[error("the spool has no thread: the system starts none")]
    Thread(#[source] io::Error),
    /// The thread has ended by a defect.
    #[error("the spool has stopped by a defect, which the log shows; start the server again")]
    Gone,
}

impl Error {
    /// Whether the disk has no room.
    pub(super) fn is_full(&self) -> bool {
        match self {
            Self::Directory { source, .. } => is_full(source),
            _ => false,
        }
    }
}

/// Why a record was not taken. It may be on disk all the same where the disk did not do what was
/// asked of it: nothing was promised, and what comes twice is stored once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It would take more than the spool may have.
    #[error("the spool is full")]
    Full,
    /// More waits to be written than may wait.
    #[error("the spool's disk is behind")]
    Busy,
    /// It is longer than any delivery.
    #[error("the delivery is too long for the spool")]
    TooLong,
    /// The disk does not take it, or the thread has ended.
    #[error("the spool cannot write")]
    Failed,
}

impl Refused {
    /// The bounded word for metrics and logs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Busy => "busy",
            Self::TooLong => "too_long",
            Self::Failed => "failed",
        }
    }
}

/// Adds to an I/O error what was tried with which file.
pub(super) trait At<T> {
    /// The same, as an error of the directory.
    fn at(self, what: &'static str, path: &Path) -> Result<T, Error>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, what: &'static str, path: &Path) -> Result<T, Error> {
        self.map_err(|source| Error::Directory {
            what,
            path: path.to_owned(),
            source,
        })
    }
}
