//! How verbs ask the running server: over its admin listener.

use std::time::Duration;

use anyhow::{anyhow, bail};
use hyper::{Method, StatusCode};
use serde::{Deserialize, de::DeserializeOwned};

use super::server::Listener;
use crate::config::Config;

/// How long an answer may take.
const DEADLINE: Duration = Duration::from_secs(20);

/// The admin listener of the running server.
#[derive(Debug)]
pub(super) struct Operators(Listener);

/// What the server says of a question that it does not answer.
#[derive(Deserialize)]
struct Complaint {
    error: String,
}

impl Operators {
    /// The server of this configuration; `why` says what it is needed for.
    pub(super) fn of(config: &Config, why: &str) -> anyhow::Result<Self> {
        Listener::admin(config, why).map(Self)
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
        let (status, body) = self.0.ask(method, path, DEADLINE).await?;
        let address = self.0.address();
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|_| self.0.stranger());
        }
        if status == StatusCode::NOT_FOUND {
            bail!(
                "the server at {address} does not know {path}: it runs another version; restart it \
                 with this program ({})",
                env!("CARGO_PKG_VERSION")
            );
        }
        match serde_json::from_slice::<Complaint>(&body) {
            Ok(complaint) => Err(anyhow!(complaint.error)),
            Err(_) => bail!(
                "the server at {address} answers {}; its log may say why",
                status.as_u16()
            ),
        }
    }
}
