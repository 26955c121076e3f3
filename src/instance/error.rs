//! Errors of claiming a data directory and of finding its server, worded for the operator.

use std::{
    io,
    path::{Path, PathBuf},
};

/// Error on claiming a data directory, or on finding its server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The data directory cannot be used.
    #[error(
        "the data directory {} cannot be used: choose another data_dir, or give this user the \
         right to write there",
        .dir.display()
    )]
    Unusable {
        /// The data directory.
        dir: PathBuf,
        /// Error of the operating system.
        #[source]
        source: io::Error,
    },
    /// Another server uses the data directory.
    #[error(
        "another hookshelf serve{} uses {}: stop it first, or choose another data_dir",
        .pid.map(|pid| format!(" (process {pid})")).unwrap_or_default(),
        .dir.display()
    )]
    Locked {
        /// The data directory.
        dir: PathBuf,
        /// Process id of the other server, if its lock file contains one.
        pid: Option<u32>,
    },
    /// This user cannot read the data directory.
    #[error(
        "this user has no access to the data directory {}: run this as root or as the user that \
         runs the server, or name another configuration with --config",
        .dir.display()
    )]
    Hidden {
        /// The data directory.
        dir: PathBuf,
        /// Error of the operating system.
        #[source]
        source: io::Error,
    },
    /// No server uses the data directory.
    #[error("no hookshelf serve uses {}: start it, or set data_dir to the directory that it uses", .dir.display())]
    NotServing {
        /// The data directory.
        dir: PathBuf,
    },
    /// The signal could not be sent.
    #[error(
        "no permission to send a signal to process {pid}: run this as root or as the user that \
             runs the server"
    )]
    Signal {
        /// Process id of the server.
        pid: i32,
        /// Error of the operating system.
        #[source]
        source: nix::errno::Errno,
    },
}

impl Error {
    pub(super) fn hidden(dir: &Path, source: io::Error) -> Self {
        let dir = dir.to_owned();
        Self::Hidden { dir, source }
    }
}
