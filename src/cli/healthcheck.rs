//! `healthcheck`: whether the server of this machine is alive, for container engines and scripts.

use std::{process::ExitCode, time::Duration};

use anyhow::{Context, ensure};
use bytes::Bytes;
use clap::Args;
use http_body_util::Empty;
use hyper::{Request, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::timeout};

use super::{local, output::Output};
use crate::config::{self, Sources};

/// How long the answer may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// Asks /healthz of the public listener and exits with 0 if it answers 200.
///
/// Example: hookshelf healthcheck
#[derive(Args, Debug)]
pub(super) struct Healthcheck {}

impl Healthcheck {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<ExitCode> {
        let config = config::load(sources).map_err(|faults| anyhow::anyhow!("{faults}"))?;
        let address = local::reachable(config.http.listen).to_string();
        let asked = timeout(DEADLINE, status(&address)).await;
        let status = asked.with_context(|| {
            format!(
                "the server at {address} does not answer within {} s; its log may say why",
                DEADLINE.as_secs()
            )
        })??;
        ensure!(
            status == 200,
            "{address} answers {status} where a server that is alive answers 200; see whether another \
             program listens there"
        );
        Output::say("alive")?;
        Ok(ExitCode::SUCCESS)
    }
}

async fn status(address: &str) -> anyhow::Result<u16> {
    let refused = || {
        format!(
            "nobody listens on {address}; start the server with `hookshelf serve`, or name its \
             configuration with --config"
        )
    };
    let stream = TcpStream::connect(address).await.with_context(refused)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let request = Request::get("/healthz")
        .header("Host", address)
        .body(Empty::<Bytes>::new())?;
    let status = sender.send_request(request).await?.status().as_u16();
    driver.abort();
    Ok(status)
}
