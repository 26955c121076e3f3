//! Setup guide: the steps to the first delivery.

use jiff::Timestamp;
use secrecy::ExposeSecret;

use super::health_parts::{Callback, callbacks};
use crate::{config::Role, http::api::Api, query::Scope};

/// Steps to the first delivery.
#[derive(Debug)]
pub(super) struct Setup {
    pub(super) running_since: Timestamp,
    pub(super) apps: Vec<AppSetup>,
    /// Base of the callback URLs; `None` if `http.public_url` is not set.
    pub(super) public_url: Option<String>,
}

/// Values of an app for the App Dashboard, and Meta's requests so far.
#[derive(Debug)]
pub(super) struct AppSetup {
    pub(super) callback: Callback,
    /// URL, or the path with a placeholder for the host.
    pub(super) url: String,
    /// `None` if the app has none, or if the reader may not see it.
    pub(super) verify_token: Option<String>,
}

impl Setup {
    /// True if every app answered a challenge.
    pub(super) fn is_answered(&self) -> bool {
        !self.apps.is_empty() && self.apps.iter().all(|app| app.callback.answered.is_some())
    }
}

/// The setup guide. Verify tokens are for operators.
pub(super) fn setup(api: &Api, scope: &Scope, now: Timestamp) -> Setup {
    let configured = api.apps.configured_apps();
    let running = api.metrics.recent().running;
    let sees_tokens = scope.role().covers(Role::Operator);
    let base = api.public_url.as_deref().unwrap_or("https://YOUR-HOST");
    let app = |(app, callback): (&crate::config::App, Callback)| {
        let token = app.verify_token.as_ref().filter(|_| sees_tokens);
        AppSetup {
            url: format!("{}{}", base.trim_end_matches('/'), callback.path),
            verify_token: token.map(|token| token.expose_secret().to_owned()),
            callback,
        }
    };
    let apps = configured.values().zip(callbacks(api));
    Setup {
        running_since: now.checked_sub(running).unwrap_or(now),
        apps: apps.map(app).collect(),
        public_url: api.public_url.clone(),
    }
}
