//! What a start tells of each app: its callback URL, where its verify token is, and when Meta last
//! came.

use std::net::SocketAddr;

use jiff::Timestamp;

use crate::{
    config::{AppName, Config, Place},
    store::callbacks::{Seen, What, last},
};

/// One app, for the person who started the server.
#[derive(Clone, Debug)]
pub struct Reached {
    /// Its name.
    pub app: AppName,
    /// Its callback URL.
    pub callback_url: String,
    /// Where its verify token is; none where it has none.
    pub verify_token: Option<Place>,
    /// When a challenge was last answered.
    pub challenge: Option<Timestamp>,
    /// When a live or test delivery was last verified, and with which secret.
    pub delivery: Option<(Timestamp, String)>,
}

/// Each app, behind a public listener at `address`.
pub(super) fn tell(config: &Config, address: SocketAddr, seen: &[Seen]) -> Vec<Reached> {
    let told = config.apps.values().map(|app| {
        let last = |what| last(seen, app.name.as_str(), what);
        let path = app.path();
        Reached {
            app: app.name.clone(),
            callback_url: match &config.http.public_url {
                Some(public) => public.join(&path),
                None => format!("http://{address}{path}"),
            },
            verify_token: app.place("verify_token").cloned(),
            challenge: last(What::ChallengeAnswered).map(|seen| seen.last_at),
            delivery: last(What::Delivery).map(|seen| (seen.last_at, seen.secret.clone())),
        }
    });
    told.collect()
}
