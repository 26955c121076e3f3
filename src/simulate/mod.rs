//! Sends a running server signed deliveries of every kind and variant, and reports what came back.
//!
//! [`variants`] makes the bodies: realistic, with ids of their own, written like Meta's two senders
//! write them. [`run`] signs each, marks it as simulated, sends it and gathers a [`Report`].
//! This room knows the receiver from outside only: it speaks HTTP to it and imports neither
//! `ingest` nor `query`.

mod client;
mod crowd;
mod envelope;
mod json;
mod mid;
mod people;
mod plan;
mod random;
mod report;
mod serialise;
mod stories;
mod stream;
mod world;

use jiff::Timestamp;
use secrecy::SecretString;

use self::client::Client;
pub use self::{
    plan::{Kinds, Variant},
    report::{Answer, Report, Sent},
    serialise::Sender,
    stream::{Counts, Delivery, Script, Stories},
};

/// Where deliveries go, and what they are signed with.
#[derive(Clone, Debug)]
pub struct Target {
    /// Host and port to connect to, such as `127.0.0.1:8080`.
    pub address: String,
    /// The path of the callback URL, such as `/webhook`.
    pub path: String,
    /// What the `Host` header says.
    pub host: String,
    /// Signs the deliveries and marks them as simulated.
    pub app_secret: SecretString,
}

/// Why a run ended early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody listens there.
    #[error(
        "no connection to {address}: start the server with `hookshelf serve`, or say where it \
         listens"
    )]
    Connect {
        /// Host and port that were tried.
        address: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// What answers there does not speak HTTP.
    #[error("{address} does not speak HTTP/1.1: check the address of the public listener")]
    Handshake {
        /// Host and port that were tried.
        address: String,
        /// What went wrong.
        #[source]
        source: hyper::Error,
    },
    /// Host or path cannot stand in an HTTP request.
    #[error("host or path cannot stand in a request: check the callback URL")]
    Request(#[source] hyper::http::Error),
}

/// One delivery of every kind and variant, in the order in which [`run`] sends them.
///
/// The same `seed` and `now` give the same bytes, another seed gives other ids. The events happened
/// in the minutes before `now`.
pub fn variants(seed: u64, now: Timestamp) -> Vec<Variant> {
    stories::all(seed, now)
}

/// Sends one signed delivery of every variant, one after the other on one connection.
///
/// An answer other than 200, and none at all, is part of the report.
///
/// # Errors
/// When there is no connection to the server, or the target cannot stand in a request.
pub async fn run(target: &Target, seed: u64, now: Timestamp) -> Result<Report, Error> {
    let mut client = Client::new(target);
    let mut report = Report::default();
    for variant in variants(seed, now) {
        let (answer, latency) = client.send(&variant).await?;
        report.add(&variant, answer, latency);
    }
    Ok(report)
}

#[cfg(test)]
mod tests;
