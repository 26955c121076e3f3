//! `migrate`: brings the database to the schema of this program.

use std::process::ExitCode;

use clap::Args;

use super::output::Output;
use crate::{
    app::database::{self, Database},
    clock::Clock,
    config::{self, Sources},
    store::{self, ConnectOptions, private::PrivatePostgres},
};

/// Applies the migrations that the database lacks. serve does so at its start, too.
///
/// Example: `DATABASE_URL=postgres://user@host/hookshelf hookshelf migrate`
#[derive(Args, Debug)]
pub(super) struct Migrate {}

impl Migrate {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<ExitCode> {
        let config = config::load(sources).map_err(|faults| anyhow::anyhow!("{faults}"))?;
        let settings = database::private_settings(&config, sources);
        let known = match database::configured(&config)? {
            Some(options) => Some(options),
            None => PrivatePostgres::connect_if_running(&settings).await,
        };
        if let Some(options) = known {
            migrate(&options).await?;
        } else {
            let database = Database::open(&config, sources).await?;
            let migrated = migrate(&database.options()).await;
            database.close().await;
            migrated?;
        }
        Output::say("the schema is up to date")?;
        Ok(ExitCode::SUCCESS)
    }
}

async fn migrate(options: &ConnectOptions) -> Result<(), crate::app::Error> {
    let mut connection = store::connect(options, database::PATIENCE).await?;
    Ok(store::migrate(&mut connection, Clock::system().now()).await?)
}
