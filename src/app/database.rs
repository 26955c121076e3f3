//! Which Postgres: the one that is configured, or a private one; and how it is brought up.

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

/// How long a server may take to answer a first connection.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// The database that the server uses. Clones share it.
#[derive(Clone, Debug)]
pub struct Database {
    options: ConnectOptions,
    private: Option<Private>,
}

/// The private Postgres: how it is started, and it itself once it was.
#[derive(Clone, Debug)]
struct Private {
    settings: private::Settings,
    running: Arc<Mutex<Option<PrivatePostgres>>>,
}

impl Database {
    /// Takes the configured database, else the private Postgres, which is not started yet.
    ///
    /// # Errors
    /// The URL is none, or the directory of the private Postgres cannot be made.
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

    /// Starts the private Postgres, if it is that and does not run yet.
    pub async fn start(&self) -> Result<(), Error> {
        if let Some(private) = &self.private {
            let mut running = private.running.lock().await;
            if running.is_none() {
                *running = Some(PrivatePostgres::start(private.settings.clone()).await?);
            }
        }
        Ok(())
    }

    /// Starts it, brings the schema up, and reads what was seen of Meta so far. What was done of it
    /// before is not done again.
    ///
    /// # Errors
    /// Says what is in the way; some of it passes by itself ([`Error::may_pass`]).
    pub async fn open(&self, clock: &Clock) -> Result<Vec<Seen>, Error> {
        self.start().await?;
        let mut connection = store::connect(&self.options, PATIENCE).await?;
        store::migrate(&mut connection, clock.now()).await?;
        Ok(callbacks::all(&mut connection).await?)
    }

    /// Whether it has ever held anything: a first start that fails is a mistake of the set-up.
    pub fn was_used(&self) -> bool {
        let private = self.private.as_ref();
        private.is_none_or(|private| private::has_data(&private.settings))
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

    /// Whether the private Postgres runs, to be followed; none where one is configured, or it was
    /// never started.
    pub async fn health(&self) -> Option<watch::Receiver<private::Health>> {
        let running = self.private.as_ref()?.running.lock().await;
        running.as_ref().map(PrivatePostgres::health)
    }

    /// Where the private Postgres has its files; none where one is configured.
    pub fn dir(&self) -> Option<&Path> {
        let private = self.private.as_ref()?;
        Some(&private.settings.dir)
    }

    /// Ends the private Postgres, or waits for the end of a start that was broken off; one that is
    /// configured goes on.
    ///
    /// # Errors
    /// It did not end, and is left running.
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

/// What the commits of this configuration wait for.
pub(super) fn commits(database: &config::Database) -> Commits {
    if database.allow_lossy_commits {
        Commits::AsConfigured
    } else {
        Commits::Durable
    }
}
