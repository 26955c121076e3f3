//! How verbs ask the running server: over its admin listener.

use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::{Method, Request, client::conn::http1};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, de::DeserializeOwned};
use tokio::{net::TcpStream, time::timeout};
use tokio_util::task::AbortOnDropHandle;

use super::local;
use crate::config::Config;

/// How long an answer may take.
const DEADLINE: Duration = Duration::from_secs(20);

/// How large an answer may be: a thousand deliveries of the spool take far less.
const LARGEST: usize = 16 << 20;

/// The admin listener of the running server.
#[derive(Debug)]
pub(super) struct Operators {
    address: String,
    /// Why the server has to run, for a person whose server does not.
    why: String,
}

/// What the server says of a question that it does not answer.
#[derive(Deserialize)]
struct Complaint {
    error: String,
}

impl Operators {
    /// The server of this configuration; `why` says what it is needed for.
    pub(super) fn of(config: &Config, why: String) -> anyhow::Result<Self> {
        let listen = config.admin.listen;
        ensure!(
            listen.port() != 0,
            "admin.listen has port 0, so that the server listens on any and cannot be found: name \
             one"
        );
        let address = local::reachable(listen).to_string();
        Ok(Self { address, why })
    }

    /// Asks for `path`.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.ask(Method::GET, path).await
    }

    /// Asks for `path` to be done.
    pub(super) async fn post<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.ask(Method::POST, path).await
    }

    async fn ask<T: DeserializeOwned>(&self, method: Method, path: &str) -> anyhow::Result<T> {
        let address = &self.address;
        let asked = timeout(DEADLINE, self.exchange(method, path)).await;
        let (status, body) = asked.with_context(|| {
            let seconds = DEADLINE.as_secs();
            format!(
                "the server at {address} does not answer within {seconds} s; its log may say why"
            )
        })??;
        match status {
            200..=299 => serde_json::from_slice(&body).map_err(|_| self.stranger()),
            404 => bail!(
                "the server at {address} does not know {path}: it runs another version; restart it \
                 with this program ({})",
                env!("CARGO_PKG_VERSION")
            ),
            status => match serde_json::from_slice::<Complaint>(&body) {
                Ok(complaint) => Err(anyhow!(complaint.error)),
                Err(_) => bail!("the server at {address} answers {status}; its log may say why"),
            },
        }
    }

    async fn exchange(&self, method: Method, path: &str) -> anyhow::Result<(u16, Bytes)> {
        let address = &self.address;
        let absent = || format!("no server answers at {address}: {}", self.why);
        let stream = TcpStream::connect(address).await.with_context(absent)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let _driver = AbortOnDropHandle::new(tokio::spawn(connection));
        let request = Request::builder().method(method).uri(path);
        let request = request
            .header("Host", address)
            .body(Empty::<Bytes>::new())?;
        let answer = sender.send_request(request).await;
        let answer = answer.map_err(|_| self.stranger())?;
        let status = answer.status().as_u16();
        let body = Limited::new(answer.into_body(), LARGEST).collect().await;
        let body = body.map_err(|_| self.stranger())?;
        Ok((status, body.to_bytes()))
    }

    fn stranger(&self) -> anyhow::Error {
        anyhow!(
            "what answers at {} is not this Hookshelf: restart the server, or see what else \
             listens there",
            self.address
        )
    }
}
