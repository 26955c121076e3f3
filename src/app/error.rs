//! Errors on start, reload and stop, worded for the operator.

use std::{io, net::SocketAddr};

use crate::{
    config::{self, credentials},
    http::listener,
    instance, spool,
    store::{self, private},
};

/// Error on starting, reloading or stopping the server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An address is not available, or a listener ended.
    #[error(transparent)]
    Listener(#[from] listener::Error),
    /// The generated credentials cannot be created or read.
    #[error(transparent)]
    Credentials(#[from] credentials::Error),
    /// The private Postgres does not start.
    #[error(transparent)]
    Private(#[from] private::Error),
    /// The database is unavailable, or the schema cannot be migrated.
    #[error("failed to open the database")]
    Store(#[from] store::Error),
    /// The spool cannot be used.
    #[error(transparent)]
    Spool(#[from] spool::Error),
    /// The data directory cannot be locked.
    #[error(transparent)]
    Instance(#[from] instance::Error),
    /// The admin listener is open to other machines, and no token protects it.
    #[error(
        "the admin listener listens on {0}, and no token protects it: run `hookshelf token new` and \
         add its lines ([[admin.tokens]]) to the configuration, or set admin.listen to an address \
         of this machine such as 127.0.0.1:9090"
    )]
    Unprotected(SocketAddr),
    /// The signal handlers cannot be installed.
    #[error("failed to install the signal handlers")]
    Signals(#[source] io::Error),
    /// The configuration is invalid.
    #[error("invalid configuration:\n{0}")]
    Config(#[from] config::Faults),
    /// A task of the server panicked.
    #[error("a server task panicked; see the log, then start the server again")]
    Defect,
    /// Deliveries in flight did not end in time; the number of them without an ack.
    #[error("the server did not stop in time: {}", left(*.0))]
    Impatient(usize),
    /// A second signal arrived; the number of deliveries without an ack.
    #[error("stopped at once by a second signal: {}", left(*.0))]
    Aborted(usize),
}

impl Error {
    /// True if the failure may end by itself, or by what an operator does outside of this server.
    /// Otherwise the server or its configuration has to change.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Private(error) => error.may_pass(),
            Self::Store(error) => error.may_pass(),
            _ => false,
        }
    }
}

/// Describes the deliveries in flight at the stop.
fn left(unacked: usize) -> String {
    match unacked {
        0 => "no delivery was in flight".to_owned(),
        1 => "1 delivery in flight got no 200; Meta sends it again".to_owned(),
        many => format!("{many} deliveries in flight got no 200; Meta sends them again"),
    }
}
