//! `psql`: a prompt on whichever database the server uses.

use std::{os::unix::process::CommandExt, process::ExitCode};

use anyhow::Context;
use clap::Args;

use super::database::absent;
use crate::{
    app::database,
    config::{self, Sources},
    store::private,
};

/// Opens psql on the database: the configured one, or the private Postgres of a running server.
///
/// Example: hookshelf psql -- --command 'SELECT count(*) FROM events'
#[derive(Args, Debug)]
pub(super) struct Psql {
    /// Read only, as the role that `migrate --reader` made.
    #[arg(long, value_name = "NAME")]
    reader: Option<String>,
    /// Arguments for psql.
    #[arg(last = true, value_name = "ARGUMENTS")]
    arguments: Vec<String>,
}

impl Psql {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<ExitCode> {
        let config = config::load(sources)?;
        let settings = database::private_settings(&config, sources);
        let reader = self.reader.as_deref();
        let mut command = match &config.database.url {
            Some(url) => private::psql_to(url.expose(), &settings, reader)?,
            None => private::psql(&settings, reader)
                .await
                .map_err(|error| absent(error, &config))?,
        };
        let error = command.args(&self.arguments).exec();
        Err(error).context("failed to start psql")
    }
}
