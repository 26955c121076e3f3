//! Database of the server: the configured Postgres, or a private Postgres; start and schema.

use std::{path::Path, sync::Arc, time::Duration};

use tokio::sync::{Mutex, watch};

use super::Error;
use crate::{
    clock::Clock,
    config::{self, Config, Sources},
    store::{
        self, Commits, ConnectOptions,
        callbacks::{self, Seen},
        private::{self, PrivatePostgres},
    },
};

/// Deadline for the first connection to the server.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// The database that the server uses. Clones share it.
#[derive(Clone, Debug)]
pub struct Database {
    options: ConnectOptions,
    private: Option<Private>,
}

/// The private Postgres: its settings, and the running server once it was started.
#[derive(Clone, Debug)]
struct Private {
    settings: private::Settings,
    running: Arc<Mutex<Option<PrivatePostgres>>>,
}

impl Database {
    /// Chooses the configured database, else the private Postgres, which is not started yet.
    ///
    /// # Errors
    /// If the URL is invalid, or the directory of the private Postgres cannot be created.
    pub fn find(config: &Config, sources: &Sources) -> Result<Self, Error> {
        if let Some(options) = configured(config)? {
            return Ok(Self {
                options,
                private: None,
            });
        }
        let settings = private_settings(config, sources);
        Ok(Self {
            options: store::quiet(private::connect_options(&settings)?),
            private: Some(Private {
                settings,
                running: Arc::default(),
            }),
        })
    }

    /// Starts the private Postgres, unless it runs already or a database is configured.
    pub async fn start(&self) -> Result<(), Error> {
        if let Some(private) = &self.private {
            let mut running = private.running.lock().await;
            if running.is_none() {
                *running = Some(PrivatePostgres::start(private.settings.clone()).await?);
            }
        }
        Ok(())
    }

    /// Starts the private Postgres if needed, migrates the schema, and reads the last events at the
    /// callback URLs. Steps completed by an earlier call are skipped.
    ///
    /// # Errors
    /// If a step fails; some failures are temporary ([`Error::may_pass`]).
    pub async fn open(&self, clock: &Clock) -> Result<Vec<Seen>, Error> {
        self.start().await?;
        let mut connection = store::connect(&self.options, PATIENCE).await?;
        store::migrate(&mut connection, clock.now()).await?;
        Ok(callbacks::all(&mut connection).await?)
    }

    /// True if the database may hold data. If a first start fails, the setup is wrong.
    pub fn was_used(&self) -> bool {
        let private = self.private.as_ref();
        private.is_none_or(|private| private::has_data(&private.settings))
    }

    /// Connection options.
    pub fn options(&self) -> ConnectOptions {
        self.options.clone()
    }

    /// Location of the database, for people.
    pub fn describe(&self) -> String {
        let options = &self.options;
        match (&self.private, options.get_socket()) {
            (Some(_), _) => "private Postgres".to_owned(),
            (None, Some(socket)) => format!("Postgres at {}", socket.display()),
            (None, None) => format!("Postgres at {}:{}", options.get_host(), options.get_port()),
        }
    }

    /// Health of the private Postgres; none if a database is configured, or if it was never
    /// started.
    pub async fn health(&self) -> Option<watch::Receiver<private::Health>> {
        let running = self.private.as_ref()?.running.lock().await;
        running.as_ref().map(PrivatePostgres::health)
    }

    /// Data directory of the private Postgres; none if a database is configured.
    pub fn dir(&self) -> Option<&Path> {
        let private = self.private.as_ref()?;
        Some(&private.settings.dir)
    }

    /// Stops the private Postgres, or waits for the end of an interrupted start. A configured
    /// database keeps running.
    ///
    /// # Errors
    /// If the private Postgres did not stop, and still runs.
    pub async fn close(self) -> Result<(), Error> {
        let Some(private) = self.private else {
            return Ok(());
        };
        let running = private.running.lock().await.take();
        let Some(running) = running else {
            private::until_left(&private.settings).await;
            return Ok(());
        };
        Ok(running.stop().await?)
    }
}

/// Connection options of the configured database, if there is one.
///
/// # Errors
/// If the URL is invalid.
pub fn configured(config: &Config) -> Result<Option<ConnectOptions>, Error> {
    let Some(url) = &config.database.url else {
        return Ok(None);
    };
    Ok(Some(store::options(url.expose())?))
}

/// Settings of the private Postgres of this configuration.
pub fn private_settings(config: &Config, sources: &Sources) -> private::Settings {
    let mut settings = private::Settings::new(Path::new(&config.data_dir).join("postgres"));
    settings.bin_dir.clone_from(&config.database.bin_dir);
    settings.run_as.clone_from(&config.database.run_as);
    settings.search_path = sources.var("PATH").map(Into::into);
    settings
}

/// Durability of the commits in this configuration.
pub(super) fn commits(database: &config::Database) -> Commits {
    if database.allow_lossy_commits {
        Commits::AsConfigured
    } else {
        Commits::Durable
    }
}
