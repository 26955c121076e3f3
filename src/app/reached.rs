//! Apps as reported at start: the place of the verify token, and the last contact with Meta.

use jiff::Timestamp;

use crate::{
    config::{AppName, Apps, Place, credentials::Credentials},
    store::callbacks::{Seen, What, last},
};

/// An app, as reported to the person who starts the server.
#[derive(Clone, Debug)]
pub struct Reached {
    /// Name of the app.
    pub app: AppName,
    /// Place where the verify token is configured; none if the app has no verify token.
    pub verify_token: Option<Place>,
    /// Time of the last answered challenge.
    pub challenge: Option<Timestamp>,
    /// Time of the last verified live or test delivery, and the name of its secret.
    pub delivery: Option<(Timestamp, String)>,
}

/// Reports all apps, configured or generated.
pub(super) fn tell(
    configured: &Apps,
    generated: Option<&Credentials>,
    seen: &[Seen],
) -> Vec<Reached> {
    let apps = configured
        .values()
        .chain(generated.map(|credentials| &credentials.app));
    let told = apps.map(|app| {
        let last = |what| last(seen, app.name.as_str(), what);
        Reached {
            app: app.name.clone(),
            verify_token: app.place("verify_token").cloned(),
            challenge: last(What::ChallengeAnswered).map(|seen| seen.last_at),
            delivery: last(What::Delivery).map(|seen| (seen.last_at, seen.secret.clone())),
        }
    });
    told.collect()
}
