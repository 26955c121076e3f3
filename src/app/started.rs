//! Report of a start.

use std::{net::SocketAddr, path::PathBuf};

use super::{
    Database,
    opening::Opened,
    reached::{self, Reached},
    spooling,
};
use crate::config::{BasePath, Config, credentials::Credentials};

/// Report of a start, for the person who started the server.
#[derive(Clone, Debug)]
pub struct Started {
    /// Address of the public listener.
    pub public: SocketAddr,
    /// Address of the admin listener.
    pub admin: SocketAddr,
    /// Path below which the admin listener serves.
    pub base_path: BasePath,
    /// Apps with callback URL, source of the verify token and last contact with Meta.
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
    pub(super) fn collect(
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
            base_path: config.admin.base_path.clone(),
            reached: reached::list_apps(config, public, seen),
            data_dir: config.data_dir.clone(),
            database: database.describe(),
            spool: spool.then(|| config.spool.directory(&config.data_dir)),
            left_behind: spooling::left_behind(config),
            away,
            credentials,
        }
    }
}
