//! Errors of the spool, worded for the operator.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::ownership::is_full;

/// Error on opening, reading or draining the spool.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An I/O error in the spool directory.
    #[error(
        "the spool cannot {what} {}: give this user read and write access, free disk space, or set \
         spool.dir to another directory",
        .path.display()
    )]
    Directory {
        /// Operation that failed.
        what: &'static str,
        /// File or directory of the operation.
        path: PathBuf,
        /// Error of the operating system.
        #[source]
        source: io::Error,
    },
    /// Other users can write to the directory.
    #[error(
        "other users can write to the spool directory {} (mode {mode:o}): they could add \
         deliveries that nobody signed; run chmod go-w on it",
        .dir.display()
    )]
    OpenToOthers {
        /// The directory.
        dir: PathBuf,
        /// Permission bits of the directory.
        mode: u32,
    },
    /// The directory belongs to another user.
    #[error(
        "the spool directory {} belongs to user {owner}: run as that user, give it to this one \
         with chown, or set spool.dir to another directory",
        .dir.display()
    )]
    Owner {
        /// The directory.
        dir: PathBuf,
        /// User id of the owner.
        owner: u32,
    },
    /// Another process has locked the directory.
    #[error(
        "another process{} uses the spool {}: stop it first, or set spool.dir to another directory",
        .pid.map(|pid| format!(" ({pid})")).unwrap_or_default(),
        .dir.display()
    )]
    Locked {
        /// The directory.
        dir: PathBuf,
        /// Process id of the lock owner, if the lock file contains one.
        pid: Option<u32>,
    },
    /// The operating system could not start the thread.
    #[error("failed to start the spool thread")]
    Thread(#[source] io::Error),
    /// The spool thread has panicked.
    #[error("the spool thread panicked; see the log, then start the server again")]
    Gone,
}

impl Error {
    /// True if the disk is full.
    pub(super) fn is_full(&self) -> bool {
        match self {
            Self::Directory { source, .. } => is_full(source),
            _ => false,
        }
    }
}

/// Reason why a record was refused. After [`Refused::Failed`] the record may be on disk all the
/// same. This is harmless: nothing was acked, and a record that is read twice is stored once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The record would exceed `max_bytes`.
    #[error("the spool is full")]
    Full,
    /// Too many tasks wait for the spool thread.
    #[error("the spool's disk is too slow")]
    Busy,
    /// The record is longer than [`LONGEST`](super::LONGEST).
    #[error("the delivery is too long for the spool")]
    TooLong,
    /// The write failed, or the spool thread has ended.
    #[error("the spool cannot write to its disk")]
    Failed,
}

impl Refused {
    /// Label for metrics and logs, from a bounded set.
    pub fn code(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Busy => "busy",
            Self::TooLong => "too_long",
            Self::Failed => "failed",
        }
    }
}

/// Adds the operation and the path to an I/O error.
pub(super) trait At<T> {
    /// Converts an I/O error into [`Error::Directory`].
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
