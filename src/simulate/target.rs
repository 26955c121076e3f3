//! Target of the deliveries, and the errors that end a run early.

use std::io;

use secrecy::SecretString;

/// Target of the deliveries, with the secret for their signatures.
#[derive(Clone, Debug)]
pub struct Target {
    /// Host and port to connect to, such as `127.0.0.1:8080`.
    pub address: String,
    /// The path of the callback URL, such as `/webhook`.
    pub path: String,
    /// The value of the `Host` header.
    pub host: String,
    /// Signs the deliveries and marks them as simulated.
    pub app_secret: SecretString,
    /// Mark the deliveries as simulated; without the mark they look like Meta's.
    pub marked: bool,
}

/// Why a run ended early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No server accepts connections at the address.
    #[error(
        "no connection to {address}: start the server with `hookshelf serve`, or say where it \
         listens"
    )]
    Connect {
        /// Host and port that were tried.
        address: String,
        /// The error of the system.
        #[source]
        source: io::Error,
    },
    /// Host or path cannot stand in an HTTP request.
    #[error("host or path cannot stand in a request: check the callback URL")]
    Request(#[source] hyper::http::Error),
    /// A ledger cannot be written.
    #[error(
        "a ledger cannot be written, so the run was ended: make room for it, or name another file \
         with --ledger or --forged"
    )]
    Ledger(#[source] io::Error),
    /// There is no room for the latencies.
    #[error("latencies cannot be kept")]
    Latencies(#[source] hdrhistogram::CreationError),
}
