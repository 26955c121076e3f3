//! What a person who started the server is told.

use std::{net::SocketAddr, path::PathBuf};

use super::{
    Database,
    opening::Opened,
    reached::{self, Reached},
    spooling,
};
use crate::config::{Config, credentials::Credentials};

/// What a person who started the server wants to know.
#[derive(Clone, Debug)]
pub struct Started {
    /// Where the public listener listens.
    pub public: SocketAddr,
    /// Where the admin listener listens.
    pub admin: SocketAddr,
    /// Each app: its callback URL, where its verify token is, and when Meta last came.
    pub reached: Vec<Reached>,
    /// The file with the generated secret and verify token, where no app is configured.
    pub credentials: Option<Credentials>,
    /// Where data, and the private Postgres if there is one, are kept.
    pub data_dir: PathBuf,
    /// Where Postgres is, without a password.
    pub database: String,
    /// Why it cannot be used yet, where it cannot: deliveries go into the spool meanwhile.
    pub away: Option<String>,
    /// The directory of the spool; none where it is off.
    pub spool: Option<PathBuf>,
    /// Directories with deliveries of a spool that this configuration does not drain.
    pub left_behind: Vec<PathBuf>,
}

impl Started {
    /// What was found and made, behind these addresses.
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
            reached: reached::tell(config, public, seen),
            data_dir: config.data_dir.clone(),
            database: database.describe(),
            spool: spool.then(|| config.spool.directory(&config.data_dir)),
            left_behind: spooling::left_behind(config),
            away,
            credentials,
        }
    }
}
