//! What a start tells of each app: where its verify token is, and when Meta last came.

use jiff::Timestamp;

use crate::{
    config::{AppName, Apps, Place, credentials::Credentials},
    store::callbacks::{Seen, What, last},
};

/// One app, for the person who started the server.
#[derive(Clone, Debug)]
pub struct Reached {
    /// Its name.
    pub app: AppName,
    /// Where its verify token is; none where it has none.
    pub verify_token: Option<Place>,
    /// When a challenge was last answered.
    pub challenge: Option<Timestamp>,
    /// When a live or test delivery was last verified, and with which secret.
    pub delivery: Option<(Timestamp, String)>,
}

/// Each app, configured or generated.
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
