//! Report of a start.

use std::{net::SocketAddr, path::PathBuf};

use super::{
    Database,
    opening::Opened,
    reached::{self, Reached},
    spooling,
};
use crate::config::{AppName, Config, credentials::Credentials};

/// Report of a start, for the person who started the server.
#[derive(Clone, Debug)]
pub struct Started {
    /// Address of the public listener.
    pub public: SocketAddr,
    /// Address of the admin listener.
    pub admin: SocketAddr,
    /// Callback URLs by app name.
    pub callback_urls: Vec<(AppName, String)>,
    /// Apps with the place of their verify token and their last contact with Meta.
    pub reached: Vec<Reached>,
    /// File with the generated secret and verify token, if no app is configured.
    pub credentials: Option<Credentials>,
    /// Data directory.
    pub data_dir: PathBuf,
    /// Location of Postgres, without a password.
    pub database: String,
    /// Reason why the database cannot be used yet, if so: deliveries go into the spool meanwhile.
    pub away: Option<String>,
    /// Directory of the spool; none if the spool is off.
    pub spool: Option<PathBuf>,
    /// Directories with deliveries of a spool that this configuration does not drain.
    pub left_behind: Vec<PathBuf>,
}

impl Started {
    /// Collects the report, for these addresses.
    pub(super) fn tell(
        config: &Config,
        [public, admin]: [SocketAddr; 2],
        credentials: Option<Credentials>,
        database: &Database,
        opened: &Opened,
    ) -> Self {
        let (seen, away) = match opened {
            Opened::Now(seen) => (seen.as_slice(), None),
            Opened::Later(pending) => ([].as_slice(), Some(pending.why.clone())),
        };
        let spool = config.spool.is_on();
        Self {
            public,
            admin,
            callback_urls: callback_urls(config, public, credentials.as_ref()),
            reached: reached::tell(&config.apps, credentials.as_ref(), seen),
            data_dir: config.data_dir.clone(),
            database: database.describe(),
            spool: spool.then(|| config.spool.directory(&config.data_dir)),
            left_behind: spooling::left_behind(config),
            away,
            credentials,
        }
    }
}

fn callback_urls(
    config: &Config,
    address: SocketAddr,
    generated: Option<&Credentials>,
) -> Vec<(AppName, String)> {
    let names = config
        .apps
        .keys()
        .chain(generated.map(|credentials| &credentials.app.name));
    let url = |name: &AppName| match &config.http.public_url {
        Some(public) => public.join(&name.path()),
        None => format!("http://{address}{}", name.path()),
    };
    names.map(|name| (name.clone(), url(name))).collect()
}
