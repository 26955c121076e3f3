//! Lookup of the secrets of this machine's server.

use anyhow::{Context, bail, ensure};

use crate::config::{App, Config, credentials};

/// The app called `name`: a configured one, else `default` with the generated credentials.
pub(super) fn app(config: &Config, name: &str) -> anyhow::Result<App> {
    if let Some(app) = config.apps.get(name) {
        return Ok(app.clone());
    }
    if !config.apps.is_empty() {
        let known: Vec<_> = config.apps.keys().map(ToString::to_string).collect();
        bail!(
            "no app is called {name}; the configuration has: {}",
            known.join(", ")
        );
    }
    let place = config.data_dir.display();
    let generated = credentials::load(&config.data_dir)?.with_context(|| {
        format!(
            "no app called {name} is configured, and {place} holds no credentials: start the \
             server once, or name its configuration with --config"
        )
    })?;
    let known = &generated.app.name;
    ensure!(
        known.as_str() == name,
        "no app called {name} is configured; {place} holds credentials for {known} alone: name \
         that one, or the configuration that has {name} with --config"
    );
    Ok(generated.app)
}
