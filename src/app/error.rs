//! Why the server could not start, reload or stop, in words for the operator.

use std::io;

use crate::{
    config::{self, credentials},
    http::listener,
    instance, spool,
    store::{self, private},
};

/// What is in the way of the server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An address cannot be had, or a listener ended.
    #[error(transparent)]
    Listener(#[from] listener::Error),
    /// The generated credentials cannot be made or read.
    #[error(transparent)]
    Credentials(#[from] credentials::Error),
    /// The private Postgres does not start.
    #[error(transparent)]
    Private(#[from] private::Error),
    /// The database is away, or its schema cannot be brought up.
    #[error("the database cannot be used")]
    Store(#[from] store::Error),
    /// The spool cannot be used.
    #[error(transparent)]
    Spool(#[from] spool::Error),
    /// The data directory cannot be claimed.
    #[error(transparent)]
    Instance(#[from] instance::Error),
    /// The signals of this process cannot be received.
    #[error("the signals of this process cannot be received")]
    Signals(#[source] io::Error),
    /// The configuration is faulty.
    #[error("the configuration is faulty:\n{0}")]
    Config(#[from] config::Faults),
    /// A task of ours ended by a panic.
    #[error("a part of the server ended by a defect, which the log shows; start the server again")]
    Defect,
    /// What was in flight did not end in time, and so many deliveries have no ack.
    #[error("the server did not stop in time: {}", left(*.0))]
    Impatient(usize),
    /// A second signal came, and so many deliveries have no ack.
    #[error("stopped at once by a second signal: {}", left(*.0))]
    Aborted(usize),
}

impl Error {
    /// Whether a database that was used before may be back by itself or by what an operator does
    /// while the server runs; else the server or its configuration has to be another one.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Private(error) => error.may_pass(),
            Self::Store(error) => error.may_pass(),
            _ => false,
        }
    }
}

/// What a stop leaves behind.
fn left(unacked: usize) -> String {
    match unacked {
        0 => "no delivery was in flight any more".to_owned(),
        1 => "1 delivery in flight got no ack and comes again".to_owned(),
        many => format!("{many} deliveries in flight got no ack and come again"),
    }
}
