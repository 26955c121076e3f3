//! Reload: the apps are read again and swapped, and how it went is kept for the verb that asked.

use std::path::{self, PathBuf};

use jiff::Timestamp;

use super::App;
use crate::{
    causes,
    config::{self, credentials},
    http,
    instance::Reading,
    telemetry::{Happening, ReloadFinished},
};

/// Apps that are accepted, and where their secrets are if none is configured.
pub(super) struct Accepted {
    names: Vec<String>,
    credentials: Option<PathBuf>,
}

impl App {
    /// Reads `[apps.*]` again and swaps them at once; where that fails the old ones stay.
    pub(super) async fn reload(&self) {
        let begun = self.clock.now();
        self.manager.reloading().await;
        // A file that would stop the next start is refused now, while someone is looking.
        let reloaded = match config::load(&self.sources) {
            Ok(config) => self.swap(config.apps),
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

    /// A file that was caught while it is being written has no apps: nobody means that, and every
    /// delivery would be refused.
    fn swap(&self, mut apps: config::Apps) -> Result<Accepted, String> {
        if apps.is_empty() && self.started.credentials.is_none() {
            return Err("no app is configured any more; to have one made, restart".to_owned());
        }
        let made = credentials::complete(&mut apps, &self.started.data_dir);
        let made = made.map_err(|error| causes::line(&error))?;
        self.state.swap_apps(http::Apps::from(&apps));
        Ok(Accepted {
            names: apps.keys().map(ToString::to_string).collect(),
            credentials: made.map(|it| it.path),
        })
    }

    /// The apps of the start.
    pub(super) fn accepted(&self) -> Accepted {
        let apps = self.started.reached.iter();
        let made = self.started.credentials.as_ref();
        Accepted {
            names: apps.map(|it| it.app.to_string()).collect(),
            credentials: made.map(|it| it.path.clone()),
        }
    }

    /// Keeps what was read since `begun`, for `hookshelf reload`.
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
