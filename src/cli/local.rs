//! How verbs find the server of this machine: its address and its secrets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::{Context, bail, ensure};

use crate::config::{App, Config, credentials};

/// Where a listener that listens on `listen` is reached from here.
pub(super) fn reachable(listen: SocketAddr) -> SocketAddr {
    let here = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(here, listen.port())
}

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
