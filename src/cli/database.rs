//! Database connection for verbs: the configured database, else the private Postgres of a
//! running server. None is started for them.

use anyhow::anyhow;

use crate::{
    app::{database, local::Local},
    config::{self, Config, Role, Sources},
    instance::Running,
    query::Scope,
    store::{
        self, ConnectOptions,
        private::{self, PrivatePostgres},
    },
};

/// Opens the API over the database.
pub(super) async fn api(sources: &Sources) -> anyhow::Result<Local> {
    let options = options(sources).await?;
    let config = config::load(sources)?;
    Ok(Local::open(&config, &options, Scope::local(Role::Privacy)).await?)
}

pub(super) async fn options(sources: &Sources) -> anyhow::Result<ConnectOptions> {
    let config = config::load(sources)?;
    if let Some(options) = database::configured(&config)? {
        return Ok(options);
    }
    let settings = database::private_settings(&config, sources);
    let running = PrivatePostgres::connect_if_running(&settings).await;
    Ok(store::quiet(
        running.map_err(|error| absent(error, &config))?,
    ))
}

/// Error for a private Postgres that cannot be had. It may be down although its server runs.
pub(super) fn absent(error: private::Error, config: &Config) -> anyhow::Error {
    let server = Running::find(&config.data_dir).ok().flatten();
    match (&error, server) {
        (private::Error::NotRunning { dir }, Some(server)) => anyhow!(
            "the private Postgres in {} does not run, but hookshelf serve{} does: see the server's \
             log",
            dir.display(),
            server.process()
        ),
        _ => error.into(),
    }
}
