//! Apps as reported at start: callback URL, source of the verify token, and last contact with Meta.

use std::net::SocketAddr;

use jiff::Timestamp;

use crate::{
    config::{AppName, Config, SecretSource},
    store::callbacks::{Seen, What, last},
};

/// An app, as reported to the person who starts the server.
#[derive(Clone, Debug)]
pub struct Reached {
    /// Name of the app.
    pub app: AppName,
    /// Its callback URL.
    pub callback_url: String,
    /// Source of the verify token; none if the app has no verify token.
    pub verify_token: Option<SecretSource>,
    /// Time of the last answered challenge.
    pub challenge: Option<Timestamp>,
    /// Time of the last verified live or test delivery, and the name of its secret.
    pub delivery: Option<(Timestamp, String)>,
}

/// Reports each app, behind a public listener at `address`.
pub(super) fn list_apps(config: &Config, address: SocketAddr, seen: &[Seen]) -> Vec<Reached> {
    let apps = config.apps.values().map(|app| {
        let last = |what| last(seen, app.name.as_str(), what);
        let path = app.path();
        Reached {
            app: app.name.clone(),
            callback_url: match &config.http.public_url {
                Some(public) => public.join(&path),
                None => format!("http://{address}{path}"),
            },
            verify_token: app.source("verify_token").cloned(),
            challenge: last(What::ChallengeAnswered).map(|seen| seen.last_at),
            delivery: last(What::Delivery).map(|seen| (seen.last_at, seen.secret.clone())),
        }
    });
    apps.collect()
}
