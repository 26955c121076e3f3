//! Operation of a server: use of each secret, and lag of each follower.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::Session;
use crate::{
    config::App,
    meta::signature::fingerprint,
    store::{
        Error,
        callbacks::{Seen, What},
        read::{Digits, text},
    },
};

/// Last use of a configured secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SecretUse {
    /// Name of the app.
    pub app: String,
    /// Name of the secret.
    pub secret: String,
    /// Time of the last delivery that it verified; `None` if it never verified one.
    #[serde(serialize_with = "text")]
    pub last_delivery_at: Option<Timestamp>,
    /// The same for deliveries marked as simulated.
    #[serde(serialize_with = "text")]
    pub last_simulated_at: Option<Timestamp>,
}

/// Lag of a follower.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct FollowerLag {
    /// Name of the follower.
    pub name: String,
    /// Last position done.
    #[serde(serialize_with = "text")]
    #[schemars(with = "Digits")]
    pub position: i64,
    /// Positions between it and the end of the log; some may be holes.
    pub positions: i64,
    /// Time since `done_at`; zero if the follower caught up.
    pub seconds: f64,
    /// Every event committed before this time is done.
    #[serde(serialize_with = "text")]
    pub done_at: Timestamp,
}

impl Session {
    /// Reads the last use of each secret of `apps`. Secrets belong to whole apps: the scope shows
    /// only those of [`whole_apps`](super::Scope::whole_apps).
    pub async fn secret_uses<'a>(
        &mut self,
        apps: impl IntoIterator<Item = &'a App>,
    ) -> Result<Vec<SecretUse>, Error> {
        let seen = self.reader.callbacks().await?;
        let own = self.scope.whole_apps(None);
        let is_own = |app: &&App| {
            let own = own.as_ref();
            own.is_none_or(|own| own.iter().any(|name| name == app.name.as_str()))
        };
        let apps = apps.into_iter().filter(is_own);
        Ok(apps.flat_map(|app| uses(app, &seen)).collect())
    }

    /// Reads the lag of each follower; `None` if the scope is restricted, since followers read the
    /// events of all apps and clients.
    pub async fn followers(&mut self) -> Result<Option<Vec<FollowerLag>>, Error> {
        if self.scope.is_restricted() {
            return Ok(None);
        }
        let lags = self.reader.followers().await?.into_iter();
        let lags = lags.map(|(name, lag)| FollowerLag {
            name,
            position: lag.position,
            positions: lag.positions,
            seconds: lag.time.as_secs_f64(),
            done_at: lag.done_at,
        });
        Ok(Some(lags.collect()))
    }
}

/// Uses of the secrets of an app. A replaced secret leaves its time with another fingerprint.
fn uses(app: &App, seen: &[Seen]) -> Vec<SecretUse> {
    let last = |name: &str, print: &str, what: What| {
        let of_secret = seen.iter().filter(|seen| {
            seen.app == app.name.as_str() && seen.secret == name && seen.fingerprint == print
        });
        let mut of_secret = of_secret.filter(|seen| seen.what == what);
        of_secret.next().map(|seen| seen.last_at)
    };
    let secrets = app.secrets.iter().map(|it| {
        let print = fingerprint(&it.secret);
        SecretUse {
            app: app.name.to_string(),
            secret: it.name.clone(),
            last_delivery_at: last(&it.name, &print, What::Delivery),
            last_simulated_at: last(&it.name, &print, What::Simulated),
        }
    });
    secrets.collect()
}
