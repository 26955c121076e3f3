//! Causes and remedies of rejections, in plain language: one catalog for all readers.
//!
//! Reason, network and app of a rejection determine its cause. The network proves nothing: a proxy
//! that `http.trusted_proxies` does not name hides the address of Meta.

mod secrets;
mod texts;

use std::collections::BTreeMap;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Serialize;

use self::secrets::AppSecrets;
use super::Session;
use crate::{
    config::App,
    meta::networks::{is_metas, is_private},
    store::{Error, read::RejectionRow},
};

/// Owner of the network of a sender.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// Meta.
    Meta,
    /// A loopback or private network: a local proxy or program.
    Private,
    /// Anybody else.
    Other,
    /// The row counts many networks.
    #[default]
    Unknown,
}

/// A rejection with its cause and its remedy; serialised as an object with a key for each column.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "Rejection")]
pub struct ExplainedRejection {
    /// The counted requests.
    #[serde(flatten)]
    pub columns: RejectionRow,
    /// Owner of the network.
    pub owner: Owner,
    /// Most likely cause.
    pub cause: String,
    /// Next step of the operator.
    pub remedy: String,
}

/// Cause and remedy.
struct Explanation {
    cause: String,
    remedy: String,
}

/// Catalog of causes and remedies for the apps of a configuration.
#[derive(Debug)]
pub struct Remedies {
    /// Secrets by app; empty if the configuration is unknown.
    apps: BTreeMap<String, AppSecrets>,
}

impl Session {
    /// Prepares the catalog for `apps`.
    pub async fn remedies<'a>(
        &mut self,
        apps: impl IntoIterator<Item = &'a App>,
    ) -> Result<Remedies, Error> {
        let seen = self.reader.callbacks().await?;
        let secrets = |app: &App| (app.name.to_string(), AppSecrets::of(app, &seen));
        let apps = apps.into_iter().map(secrets).collect();
        Ok(Remedies { apps })
    }
}

impl Remedies {
    /// Explains a rejection.
    pub fn explain(&self, columns: RejectionRow) -> ExplainedRejection {
        let owner = Owner::of(&columns.prefix);
        let Explanation { mut cause, remedy } = self.explanation(&columns, owner);
        let header = columns.proxy_header.as_ref();
        if let Some(header) = header.filter(|_| cause.contains("a proxy")) {
            cause = format!("{cause} (the header {header} reveals a proxy)");
        }
        ExplainedRejection {
            columns,
            owner,
            cause,
            remedy,
        }
    }

    fn explanation(&self, row: &RejectionRow, owner: Owner) -> Explanation {
        let app = self.apps.get(&row.app);
        let is_gone = app.is_none() && !self.apps.is_empty();
        match (&*row.reason, owner) {
            (reason, _) if is_gone && !texts::is_unknown(reason) => texts::unconfigured(&row.app),
            ("signature_mismatch", Owner::Meta) => {
                app.map_or_else(secrets::unknown, |secrets| secrets.explain(&row.app))
            }
            (reason, owner) => texts::of(reason, owner),
        }
    }
}

impl Owner {
    fn of(prefix: &str) -> Self {
        match prefix.parse::<IpNet>() {
            Ok(net) if net.prefix_len() == 0 => Self::Unknown,
            Ok(net) if is_metas(&net) => Self::Meta,
            Ok(net) if is_private(net.addr()) => Self::Private,
            Ok(_) => Self::Other,
            Err(_) => Self::Unknown,
        }
    }

    /// Name in tables.
    pub fn words(self) -> &'static str {
        match self {
            Self::Meta => "Meta's networks",
            Self::Private => "a private network",
            Self::Other => "other networks",
            Self::Unknown => "many networks",
        }
    }
}

#[cfg(test)]
mod tests;
