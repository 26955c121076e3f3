//! Reload: reads the apps again, swaps them, and keeps the result for `hookshelf reload`.

use std::path::{self, PathBuf};

use jiff::Timestamp;

use super::{App, keys::require_tokens};
use crate::{
    causes,
    config::{self, Config, credentials},
    http,
    instance::Reading,
    telemetry::{LogEvent, ReloadFinished},
};

/// Names of the accepted apps, and the path of the generated credentials if no app is configured.
pub(super) struct Accepted {
    names: Vec<String>,
    credentials: Option<PathBuf>,
}

impl App {
    /// Reads apps, tokens, users and consumers again and swaps them; on failure the old ones stay.
    pub(super) async fn reload(&self) {
        let begun = self.clock.now();
        self.manager.reloading().await;
        // A file that would stop the next start is refused now, while someone is looking.
        let reloaded = match config::load(&self.sources) {
            Ok(config) => self.swap_all(config),
            Err(faults) => Err(faults.to_string()),
        };
        let apps = reloaded.as_ref().map_or(0, |accepted| accepted.names.len());
        let fault = reloaded.as_ref().err().cloned();
        self.note(begun, reloaded);
        let result = if fault.is_none() { "swapped" } else { "kept" };
        ReloadFinished {
            apps,
            result,
            fault,
        }
        .emit();
        self.manager.ready(&self.started).await;
    }

    /// Swaps the apps, the consumers, the tokens and the users.
    fn swap_all(&self, mut config: Config) -> Result<Accepted, String> {
        let error = |error| causes::line(&error);
        require_tokens(&config, self.started.admin).map_err(error)?;
        let accepted = self.swap(&mut config.apps)?;
        self.consumers.apply(&config);
        self.access.replace(config.admin);
        Ok(accepted)
    }

    /// Swaps the apps. A file that is just being written may have no apps. This is never intended
    /// and would reject every delivery, so it is refused.
    fn swap(&self, apps: &mut config::Apps) -> Result<Accepted, String> {
        if apps.is_empty() && self.started.credentials.is_none() {
            return Err(
                "no app is configured any more; restart the server to use credentials of \
                its own"
                    .to_owned(),
            );
        }
        let made = credentials::complete(apps, &self.started.data_dir);
        let made = made.map_err(|error| causes::line(&error))?;
        self.state.swap_apps(http::Apps::from(&*apps));
        Ok(Accepted {
            names: apps.keys().map(ToString::to_string).collect(),
            credentials: made.map(|it| it.path),
        })
    }

    /// Apps accepted at start.
    pub(super) fn accepted(&self) -> Accepted {
        let apps = self.started.reached.iter();
        let made = self.started.credentials.as_ref();
        Accepted {
            names: apps.map(|it| it.app.to_string()).collect(),
            credentials: made.map(|it| it.path.clone()),
        }
    }

    /// Keeps the result of a reading begun at `begun`, for `hookshelf reload`.
    pub(super) fn note(&self, begun: Timestamp, read: Result<Accepted, String>) {
        let (accepted, fault) = match read {
            Ok(accepted) => (Some(accepted), None),
            Err(fault) => (None, Some(fault)),
        };
        let absolute = |file: PathBuf| path::absolute(&file).unwrap_or(file);
        let credentials = accepted.as_ref().and_then(|it| it.credentials.clone());
        self.claim.note(Reading {
            begun,
            file: self.sources.config_file().map(absolute),
            credentials: credentials.map(absolute),
            apps: accepted.map(|it| it.names).unwrap_or_default(),
            fault,
        });
    }
}
