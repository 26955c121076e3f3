//! `dev-db`: a throwaway Postgres for tests, alive as long as its standard input.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Args;

use crate::{config::Sources, store::private};

/// Connection limit, enough for a test run with many threads.
const CONNECTIONS: u16 = 400;

/// Starts a throwaway Postgres, prints its address as JSON, and ends it with standard input.
#[derive(Args, Debug)]
pub(super) struct DevDb {}

impl DevDb {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<ExitCode> {
        let mut settings = private::Settings::new(std::env::temp_dir());
        settings.search_path = sources.var("PATH").map(Into::into);
        settings.durable = false;
        settings.max_connections = CONNECTIONS;
        private::dev_db(settings, io::stdin(), print_address).await?;
        Ok(ExitCode::SUCCESS)
    }
}

fn print_address(db: &private::DevDb) -> io::Result<()> {
    let mut out = io::stdout();
    serde_json::to_writer(&mut out, db)?;
    out.write_all(b"\n")?;
    out.flush()
}
