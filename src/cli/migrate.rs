//! `migrate`: brings the database to the schema of this program.

use std::process::ExitCode;

use clap::Args;

use super::output::Output;
use crate::{
    app::database::{self, Database},
    clock::Clock,
    config::{self, Sources},
    store::{
        self, ConnectOptions, Reading,
        private::{self, PrivatePostgres},
    },
};

/// Applies the migrations that the database lacks. serve does so at its start, too.
///
/// Example: `DATABASE_URL=postgres://user@host/hookshelf hookshelf migrate`
#[derive(Args, Debug)]
pub(super) struct Migrate {
    /// Make a role that reads and nothing else, for psql, Metabase or Grafana.
    #[arg(long, value_name = "NAME", value_parser = reader_name)]
    reader: Option<String>,
}

/// Refused before anything is started or changed for it.
fn reader_name(name: &str) -> Result<String, store::RoleError> {
    store::check_reader_name(name).map(|()| name.to_owned())
}

impl Migrate {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<ExitCode> {
        let config = config::load(sources)?;
        let settings = database::private_settings(&config, sources);
        let known = match database::configured(&config)? {
            Some(options) => Some(options),
            None => running(&settings).await?,
        };
        if let Some(options) = known {
            self.migrate(&options).await?;
        } else {
            let database = Database::find(&config, sources)?;
            database.start().await?;
            let migrated = self.migrate(&database.options()).await;
            let closed = database.close().await;
            migrated?;
            closed?;
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn migrate(&self, options: &ConnectOptions) -> anyhow::Result<()> {
        let mut connection = store::connect(options, database::PATIENCE).await?;
        store::migrate(&mut connection, Clock::system().now()).await?;
        let mut said = vec!["the schema is up to date".to_owned()];
        if let Some(name) = &self.reader {
            let reading = store::make_reader(&mut connection, name).await?;
            said.extend(describe_reader(name, reading));
        }
        Output::say(&said.join("\n"))
    }
}

/// Connection options of the private Postgres if it runs; none if it has to be started.
async fn running(settings: &private::Settings) -> Result<Option<ConnectOptions>, private::Error> {
    match PrivatePostgres::connect_if_running(settings).await {
        Err(private::Error::NotRunning { .. }) => Ok(None),
        found => found.map(Some),
    }
}

/// Describes the new reader, and the remaining steps.
fn describe_reader(name: &str, reading: Reading) -> Vec<String> {
    let mut lines = vec![format!(
        "{name} may read every table and view, and nothing else: \
         `hookshelf psql --reader {name}`"
    )];
    if reading.made {
        lines.push(format!(
            "to reach it over the network, set a password: \
             `hookshelf psql -- --command '\\password \"{name}\"'`"
        ));
    }
    if reading.may_create {
        lines.push(
            "every role may create tables in this schema, the default before Postgres 15: GRANT \
             CREATE on it to the user of Hookshelf, then REVOKE it FROM PUBLIC"
                .to_owned(),
        );
    }
    lines
}
