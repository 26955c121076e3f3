//! Sends a running server signed deliveries, and reports what came back.
//!
//! [`run`] sends one delivery of every kind and variant, each once. [`load::run`] sends a stream of
//! them: little stories, at a rate or as fast as answers come. Bodies are realistic, with ids of
//! their own, written like Meta's two senders write them; each is signed, and marked as simulated.
//! This room knows the receiver from outside only: it speaks HTTP to it and imports neither
//! `ingest` nor `query`.

mod alarm;
mod client;
mod connection;
mod crowd;
mod digits;
mod envelope;
mod json;
pub mod load;
mod mid;
mod people;
mod plan;
mod random;
mod reading;
mod report;
mod request;
mod serialise;
mod stories;
mod stream;
mod world;

use std::{io, sync::Arc, time::Instant};

use jiff::Timestamp;
use secrecy::SecretString;

use self::{
    client::Client,
    request::{Requests, Signed},
};
pub use self::{
    plan::{Kinds, Variant},
    report::{Answer, Report, Sent},
    serialise::Sender,
    stream::{Counts, Delivery, Script, Stories},
};
use crate::meta::event::Kind;

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
    /// Mark the deliveries as simulated; without the mark they look like Meta's.
    pub marked: bool,
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
        source: io::Error,
    },
    /// Host or path cannot stand in an HTTP request.
    #[error("host or path cannot stand in a request: check the callback URL")]
    Request(#[source] hyper::http::Error),
    /// What was acked cannot be written down.
    #[error(
        "a ledger cannot be written, so the run was ended: make room for it, or name another file \
         with --ledger or --forged"
    )]
    Ledger(#[source] io::Error),
    /// There is no room for the latencies.
    #[error("latencies cannot be kept")]
    Latencies(#[source] hdrhistogram::CreationError),
}

impl Error {
    fn connect(target: &Target, source: io::Error) -> Self {
        Self::Connect {
            address: target.address.clone(),
            source,
        }
    }
}

/// One delivery of every kind and variant, in the order in which [`run`] sends them.
///
/// The same `seed` and `now` give the same bytes, another seed gives other ids. The events happened
/// in the minutes before `now`.
pub fn variants(seed: u64, now: Timestamp) -> Vec<Variant> {
    stories::all(seed, now)
}

/// Sends one signed delivery of every variant that has an event of one of `kinds`, or of every
/// variant where none is named; one after the other on one connection.
///
/// An answer other than 200, and none at all, is part of the report. `told` hears of each when it
/// has its answer: a server that gives none takes the whole deadline for each.
///
/// # Errors
/// When there is no connection to the server, or the target cannot stand in a request.
pub async fn run(
    target: &Target,
    kinds: &[Kind],
    seed: u64,
    now: Timestamp,
    mut told: impl FnMut(&Sent),
) -> Result<Report, Error> {
    let requests = Requests::new(target, &target.app_secret).map_err(Error::Request)?;
    let mut client = Client::new(Arc::new(target.clone()));
    client.connect().await?;
    let mut report = Report::default();
    let all = variants(seed, now).into_iter();
    for variant in all.filter(|variant| kinds.is_empty() || variant.has_one_of(kinds)) {
        let request = |out: &mut Vec<u8>| {
            requests.write(out, variant.sender, &variant.body, Signed::Rightly);
        };
        let begun = Instant::now();
        let answer = client.send(request).await;
        told(report.add(&variant, answer, begun.elapsed()));
    }
    Ok(report)
}

#[cfg(test)]
mod tests;
