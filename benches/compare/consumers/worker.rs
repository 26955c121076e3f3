//! A worker: leases events over HTTP and settles them.

use std::net::SocketAddr;

use anyhow::{Context, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, StatusCode,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpStream;
use tokio_util::task::AbortOnDropHandle;

use crate::deliveries::{DIGITS, MARK};

/// Settlement of each event.
#[derive(Clone, Copy, Debug)]
pub(super) enum Effect {
    Ack,
    /// The attempt failed; the lane waits for an hour.
    Nack,
}

/// A worker and its connection.
pub(super) struct Worker {
    sender: SendRequest<Full<Bytes>>,
    _connection: AbortOnDropHandle<()>,
    path: String,
    name: String,
}

/// An event that was handed out.
#[derive(Deserialize)]
pub(super) struct Leased {
    pub(super) lease: String,
    event: Event,
}

#[derive(Deserialize)]
struct Event {
    text: String,
}

#[derive(Deserialize)]
struct Answer {
    events: Vec<Leased>,
}

impl Leased {
    /// Number of the message.
    pub(super) fn number(&self) -> anyhow::Result<usize> {
        let digits = self.event.text.get(MARK.len()..MARK.len() + DIGITS);
        Ok(digits.context("no number")?.parse()?)
    }
}

impl Worker {
    pub(super) async fn connect(
        to: SocketAddr,
        consumer: &str,
        name: &str,
    ) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        Ok(Self {
            sender,
            _connection: AbortOnDropHandle::new(tokio::spawn(async { drop(connection.await) })),
            path: format!("/v1/consumers/{consumer}"),
            name: name.to_owned(),
        })
    }

    /// Leases events, and waits for them.
    pub(super) async fn lease(&mut self, max: usize, wait: u32) -> anyhow::Result<Vec<Leased>> {
        let body = json!({"max": max, "wait_s": wait, "worker": self.name});
        let answer = self.post("lease", &body).await?;
        Ok(serde_json::from_slice::<Answer>(&answer)?.events)
    }

    /// Settles events.
    pub(super) async fn settle(&mut self, of: &[Leased], effect: Effect) -> anyhow::Result<()> {
        if of.is_empty() {
            return Ok(());
        }
        let leases = of.iter().map(|it| &it.lease);
        let body = match effect {
            Effect::Ack => json!({"acks": leases.collect::<Vec<_>>()}),
            Effect::Nack => {
                let nack = |lease| json!({"lease": lease, "delay_s": 3600});
                json!({"nacks": leases.map(nack).collect::<Vec<_>>()})
            }
        };
        self.post("settle", &body).await?;
        Ok(())
    }

    async fn post(&mut self, verb: &str, body: &serde_json::Value) -> anyhow::Result<Bytes> {
        let request = Request::post(format!("{}/{verb}", self.path))
            .header("host", "localhost")
            .header("content-type", "application/json")
            .body(Full::from(serde_json::to_vec(body)?))?;
        self.sender.ready().await?;
        let answer = self.sender.send_request(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        ensure!(
            status == StatusCode::OK,
            "{verb}: {status} {}",
            String::from_utf8_lossy(&body)
        );
        Ok(body)
    }
}
