//! How verbs that read reach the database: the configured one, else the private Postgres of a
//! running server. None is started for them.

use anyhow::{Context, anyhow};

use crate::{
    app::database,
    config::{self, Sources},
    store::{self, Error, Reader, private::PrivatePostgres},
};

/// Opens a session that reads.
pub(super) async fn open(sources: &Sources) -> anyhow::Result<Reader> {
    let config = config::load(sources).map_err(|faults| anyhow!("{faults}"))?;
    if let Some(options) = database::configured(&config)? {
        return Ok(Reader::open(&options).await?);
    }
    let settings = database::private_settings(&config, sources);
    let running = PrivatePostgres::connect_if_running(&settings).await;
    let options = running.with_context(|| {
        format!(
            "no private Postgres is running in {}; start the server with `hookshelf serve` \
             first, or name its configuration with --config",
            settings.dir.display()
        )
    })?;
    Ok(Reader::open(&store::quiet(options)).await?)
}

/// The error of a list, with what the user can do about a search that takes too long.
pub(super) fn of_list(error: Error) -> anyhow::Error {
    let too_long = matches!(error, Error::TimedOut);
    let error = anyhow::Error::from(error);
    if too_long {
        error.context("the search takes too long; narrow it with --since")
    } else {
        error
    }
}
