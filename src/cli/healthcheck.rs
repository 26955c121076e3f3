//! `healthcheck`: whether the server of this machine is alive, for container engines and scripts.

use std::{process::ExitCode, time::Duration};

use anyhow::ensure;
use clap::Args;
use hyper::{Method, StatusCode};

use super::{output::Output, server::Listener};
use crate::config::{self, Config, Sources};

/// Deadline for the answer.
const DEADLINE: Duration = Duration::from_secs(5);

/// Asks /healthz of the public listener and exits with 0 if it answers 200.
///
/// It has to be the server that uses the data directory of this configuration: another one at the
/// same address does not count.
///
/// Example: hookshelf healthcheck
#[derive(Args, Debug)]
pub(super) struct Healthcheck {}

impl Healthcheck {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<ExitCode> {
        let config = config::load(sources)?;
        check(&config).await?;
        Output::say("alive")?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Makes sure that the server of this configuration is alive at its public listener.
pub(super) async fn check(config: &Config) -> anyhow::Result<()> {
    let why = "start it with `hookshelf serve`, or name its configuration with --config";
    let public = Listener::public(config, why)?;
    let (status, _) = public.ask(Method::GET, "/healthz", DEADLINE).await?;
    ensure!(
        status == StatusCode::OK,
        "{} answers {}, not 200; check if another program listens there",
        public.address(),
        status.as_u16()
    );
    Ok(())
}
