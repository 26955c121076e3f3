//! Which Postgres: the one that is configured, or a private one.

use std::{path::Path, time::Duration};

use tokio::sync::watch;

use super::Error;
use crate::{
    config::{Config, Sources},
    store::{
        self, ConnectOptions,
        private::{self, PrivatePostgres},
    },
};

/// How long a server may take to answer a first connection.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// The database that the server uses.
#[derive(Debug)]
pub struct Database {
    options: ConnectOptions,
    private: Option<PrivatePostgres>,
}

impl Database {
    /// Takes the configured database, else starts the private Postgres.
    ///
    /// # Errors
    /// The URL is none, or the private Postgres does not start.
    pub async fn open(config: &Config, sources: &Sources) -> Result<Self, Error> {
        if let Some(options) = configured(config)? {
            return Ok(Self {
                options,
                private: None,
            });
        }
        let private = PrivatePostgres::start(private_settings(config, sources)).await?;
        let options = store::quiet(private.connect_options());
        Ok(Self {
            options,
            private: Some(private),
        })
    }

    /// How to connect.
    pub fn options(&self) -> ConnectOptions {
        self.options.clone()
    }

    /// Where it is, for people.
    pub fn describe(&self) -> String {
        let options = &self.options;
        match (&self.private, options.get_socket()) {
            (Some(_), _) => "private Postgres".to_owned(),
            (None, Some(socket)) => format!("Postgres at {}", socket.display()),
            (None, None) => format!("Postgres at {}:{}", options.get_host(), options.get_port()),
        }
    }

    /// Whether the private Postgres runs, to be followed; none where one is configured.
    pub fn health(&self) -> Option<watch::Receiver<private::Health>> {
        self.private.as_ref().map(PrivatePostgres::health)
    }

    /// Ends the private Postgres; one that is configured goes on.
    ///
    /// # Errors
    /// It did not end, and is left running.
    pub async fn close(self) -> Result<(), Error> {
        match self.private {
            Some(private) => Ok(private.stop().await?),
            None => Ok(()),
        }
    }
}

/// The configured database, if there is one.
///
/// # Errors
/// The URL is none that the driver understands.
pub fn configured(config: &Config) -> Result<Option<ConnectOptions>, Error> {
    let Some(url) = &config.database.url else {
        return Ok(None);
    };
    Ok(Some(store::options(url.expose())?))
}

/// What the private Postgres of this configuration is started and found with.
pub fn private_settings(config: &Config, sources: &Sources) -> private::Settings {
    let mut settings = private::Settings::new(Path::new(&config.data_dir).join("postgres"));
    settings.bin_dir.clone_from(&config.database.bin_dir);
    settings.run_as.clone_from(&config.database.run_as);
    settings.search_path = sources.var("PATH").map(Into::into);
    settings
}
