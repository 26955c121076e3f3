//! Causes and remedies of rejections, in plain language: one catalog for all readers.
//!
//! Reason, network and app of a rejection determine its cause. The network proves nothing: a proxy
//! that `http.trusted_proxies` does not name hides the address of Meta.

mod secrets;
mod texts;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use ipnet::IpNet;
use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::secrets::AppSecrets;
use super::Session;
use crate::{
    config::App,
    meta::networks::{is_metas, is_private},
    quarantine,
    store::{Error, read::RejectionRow},
};

/// Owner of the network of a sender.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// Number of these deliveries in quarantine; `None` if the quarantine could not be read.
    pub quarantined: Option<i64>,
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
    /// Number of deliveries in quarantine; `None` if unknown.
    quarantined: Option<Quarantined>,
}

/// Number of deliveries in quarantine by hour, app and network.
type Quarantined = HashMap<(Timestamp, Arc<str>, String), i64>;

impl Session {
    /// Prepares the catalog for `apps`.
    pub async fn remedies<'a>(
        &mut self,
        apps: impl IntoIterator<Item = &'a App>,
    ) -> Result<Remedies, Error> {
        let seen = self.reader.callbacks().await?;
        let secrets = |app: &App| (app.name.to_string(), AppSecrets::of(app, &seen));
        let apps = apps.into_iter().map(secrets).collect();
        let quarantined = None;
        Ok(Remedies { apps, quarantined })
    }
}

impl Remedies {
    /// Tells also how many of the rejected deliveries are in quarantine, under these names.
    #[must_use]
    pub fn with_quarantine(mut self, names: &[quarantine::Name]) -> Self {
        let mut counts = Quarantined::new();
        for name in names {
            let hour = hour_of(name.received_at());
            let key = (hour, Arc::clone(name.app()), name.network().to_string());
            *counts.entry(key).or_default() += 1;
        }
        self.quarantined = Some(counts);
        self
    }

    /// Number of deliveries of a row in quarantine. A name has no reason, so that the two reasons
    /// with a quarantine share the deliveries of their hour and network.
    fn quarantined(&self, row: &RejectionRow) -> Option<i64> {
        let counts = self.quarantined.as_ref()?;
        if !matches!(&*row.reason, "signature_mismatch" | "body_reencoded") {
            return Some(0);
        }
        let key = (row.hour, Arc::from(&*row.app), row.prefix.clone());
        Some(counts.get(&key).copied().unwrap_or(0).min(row.count))
    }

    /// Explains a rejection.
    pub fn explain(&self, columns: RejectionRow) -> ExplainedRejection {
        let owner = Owner::of(&columns.prefix);
        let Explanation { mut cause, remedy } = self.explanation(&columns, owner);
        let header = columns.proxy_header.as_ref();
        if let Some(header) = header.filter(|_| cause.contains("a proxy")) {
            cause = format!("{cause} (the header {header} reveals a proxy)");
        }
        ExplainedRejection {
            quarantined: self.quarantined(&columns),
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

/// Start of the hour of `at`.
fn hour_of(at: Timestamp) -> Timestamp {
    let hour = TimestampRound::new().smallest(Unit::Hour);
    at.round(hour.mode(RoundMode::Floor)).unwrap_or(at)
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
