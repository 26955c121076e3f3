//! Listeners of the server that uses the data directory, told from whatever else has their address.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::{Context, anyhow, bail, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::{Method, Request, StatusCode, client::conn::http1, header::HeaderValue};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, de::DeserializeOwned};
use tokio::{net::TcpStream, time::timeout};
use tokio_util::task::AbortOnDropHandle;

use crate::{
    config::{BasePath, Config, reachable},
    instance::{self, HEADER, Running},
};

/// Limit of an answer: a thousand deliveries of the spool take far less.
const LARGEST: usize = 16 << 20;

/// Default deadline for an answer.
const DEADLINE: Duration = Duration::from_secs(20);

/// Error answer of the server.
#[derive(Deserialize)]
struct Problem {
    detail: String,
}

/// A listener of the server that uses the data directory.
#[derive(Debug)]
pub(super) struct Listener {
    /// The key that has its address.
    key: &'static str,
    address: String,
    /// Base path of its paths.
    base: BasePath,
    dir: PathBuf,
    running: Option<Running>,
    /// Reason for which the server has to run.
    why: String,
}

impl Listener {
    pub(super) fn public(config: &Config, why: &str) -> anyhow::Result<Self> {
        let base = BasePath::default();
        Self::of(config, ("http.listen", config.http.listen), base, why)
    }

    pub(super) fn admin(config: &Config, why: &str) -> anyhow::Result<Self> {
        let base = config.admin.base_path.clone();
        Self::of(config, ("admin.listen", config.admin.listen), base, why)
    }

    fn of(
        config: &Config,
        (key, listen): (&'static str, SocketAddr),
        base: BasePath,
        why: &str,
    ) -> anyhow::Result<Self> {
        ensure!(
            listen.port() != 0,
            "{key} has port 0, so the address of the server is unknown: set a port"
        );
        Ok(Self {
            key,
            address: reachable(listen).to_string(),
            base,
            dir: config.data_dir.clone(),
            running: Running::find(&config.data_dir)?,
            why: why.to_owned(),
        })
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Asks the server, and nobody else, within `deadline`.
    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        deadline: Duration,
    ) -> anyhow::Result<(StatusCode, Bytes)> {
        let asked = timeout(deadline, self.exchange(method, path)).await;
        asked.with_context(|| self.silent(deadline))?
    }

    /// Asks for `path`, and reads the answer.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.read(Method::GET, path).await
    }

    /// Asks for `path` to be done, and reads the answer.
    pub(super) async fn post<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.read(Method::POST, path).await
    }

    async fn read<T: DeserializeOwned>(&self, method: Method, path: &str) -> anyhow::Result<T> {
        let (status, body) = self.ask(method, path, DEADLINE).await?;
        let address = &self.address;
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|_| self.stranger());
        }
        if status == StatusCode::NOT_FOUND {
            bail!(
                "the server at {address} does not know {path}: it runs another version; restart it \
                 with this program ({})",
                env!("CARGO_PKG_VERSION")
            );
        }
        match serde_json::from_slice::<Problem>(&body) {
            Ok(problem) => bail!(problem.detail),
            Err(_) => bail!(
                "the server at {address} answers {}; see its log",
                status.as_u16()
            ),
        }
    }

    async fn exchange(&self, method: Method, path: &str) -> anyhow::Result<(StatusCode, Bytes)> {
        let stream = TcpStream::connect(&self.address).await;
        let stream = stream.with_context(|| self.absent())?;
        let Some(running) = &self.running else {
            return Err(self.other());
        };
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let _driver = AbortOnDropHandle::new(tokio::spawn(connection));
        let mut request = Request::builder().method(method).uri(self.base.join(path));
        request = request.header("Host", &self.address);
        if let Some(id) = &running.id {
            request = request.header(HEADER, id.as_str());
        }
        if let Some(token) = instance::token(&self.dir) {
            request = request.header("Authorization", format!("Bearer {}", *token));
        }
        let request = request.body(Empty::<Bytes>::new())?;
        let answer = sender.send_request(request).await;
        let answer = answer.map_err(|_| self.stranger())?;
        let status = answer.status();
        if status == StatusCode::MISDIRECTED_REQUEST {
            return Err(self.other());
        }
        let shown = answer.headers().get(HEADER).map(HeaderValue::as_bytes);
        if !running.answered(shown) {
            return Err(self.stranger());
        }
        let body = Limited::new(answer.into_body(), LARGEST).collect().await;
        let body = body.map_err(|_| self.stranger())?;
        Ok((status, body.to_bytes()))
    }

    /// Message for an address at which nobody listens.
    fn absent(&self) -> String {
        let Self { key, address, .. } = self;
        match &self.running {
            None => format!("no server answers at {address}: {}", self.why),
            Some(running) => format!(
                "the server of {}{} does not listen at {address}: name its configuration with \
                 --config, or correct {key}",
                self.dir.display(),
                running.process()
            ),
        }
    }

    /// Message for a listener that does not answer in time.
    fn silent(&self, deadline: Duration) -> String {
        let seconds = deadline.as_secs();
        let process = self.running.as_ref().map(Running::process);
        format!(
            "the server at {}{} does not answer within {seconds} s; see its log",
            self.address,
            process.unwrap_or_default()
        )
    }

    /// Error for the server of another data directory, or another program.
    fn other(&self) -> anyhow::Error {
        let Self { key, address, .. } = self;
        let owner = match &self.running {
            None => "no hookshelf serve uses that directory".to_owned(),
            Some(running) => format!("hookshelf serve{} uses it", running.process()),
        };
        anyhow!(
            "the program at {address} is not the server of the data directory {}: {owner}; name \
             the configuration of the server that you mean with --config, or set {key} to an \
             address of its own and start it",
            self.dir.display()
        )
    }

    /// Error for another program, or a Hookshelf that does not know the question.
    fn stranger(&self) -> anyhow::Error {
        anyhow!(
            "the program at {} is not this Hookshelf: restart the server, or find out what listens \
             there",
            self.address
        )
    }
}
