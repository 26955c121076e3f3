//! A server with consumers or destinations, on a database of its own.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::time::sleep;

use super::{
    options::ConsumersOptions,
    worker::Effect,
    workers::{Times, Workers},
};
use crate::{
    deliveries::{self, Run},
    postgres::Postgres,
    server::{SECRET, Server},
};

/// Pause between two looks.
const SOON: Duration = Duration::from_millis(200);

/// Looks at a consumer that reads on.
const MOST_LOOKS: u32 = 1_500;

/// A running server and its database.
pub(super) struct Scene {
    pub(super) server: Server,
    pub(super) admin: SocketAddr,
    database: String,
    dir: PathBuf,
}

impl Scene {
    /// Starts a server with these tables of its configuration on a new database.
    pub(super) async fn start(
        postgres: &mut Postgres,
        options: &ConsumersOptions,
        config: &str,
    ) -> anyhow::Result<Self> {
        let database = postgres.make().await?;
        Self::start_on(postgres, database, options, config).await
    }

    /// Starts a server on a database, and waits until it owns its consumers: they start with the
    /// next event.
    pub(super) async fn start_on(
        postgres: &Postgres,
        database: String,
        options: &ConsumersOptions,
        config: &str,
    ) -> anyhow::Result<Self> {
        let dir = postgres.dir().join("server");
        std::fs::create_dir_all(&dir)?;
        std::fs::write(dir.join("hookshelf.toml"), config)?;
        let url = postgres.url(&database)?;
        let mut server = Server::start_program(&options.program, "serve", &url, &dir)?;
        let scene = Self {
            admin: server.admin()?,
            server,
            database,
            dir,
        };
        let count = config.lines().filter(|line| line.starts_with('[')).count();
        let owned = "SELECT count(*) FROM consumers WHERE owned_until > clock_timestamp()";
        scene
            .until(postgres, format!("SELECT ({owned}) = {count}"))
            .await?;
        Ok(scene)
    }

    /// Stops the server; returns the name of its database.
    pub(super) fn stop(self) -> anyhow::Result<String> {
        self.server.stop()?;
        std::fs::remove_dir_all(self.dir)?;
        Ok(self.database)
    }

    /// Stops the server, and drops its database.
    pub(super) async fn end(self, postgres: &mut Postgres) -> anyhow::Result<()> {
        let database = self.stop()?;
        postgres.drop(&database).await
    }

    /// Sends the deliveries of a run.
    pub(super) async fn send(&self, run: &Arc<Run>) -> anyhow::Result<()> {
        deliveries::send(run, self.server.address, SECRET).await
    }

    /// Sends the deliveries of a run, and lets four workers of the consumer `bot` settle each event;
    /// a worker leases at most `max` at once.
    pub(super) async fn play(
        &self,
        run: &Arc<Run>,
        effect: Effect,
        max: usize,
    ) -> anyhow::Result<Times> {
        let workers = Workers {
            admin: self.admin,
            consumer: "bot",
            effect,
            max,
        };
        let (sent, times) = tokio::join!(self.send(run), workers.work(run, run.len()));
        sent?;
        times
    }

    /// Waits until the consumers have read everything stored, and this is written.
    pub(super) async fn has_read(&self, postgres: &Postgres) -> anyhow::Result<()> {
        self.until(postgres, read_by("consumers")).await
    }

    /// Waits until the followers, which count, have read everything stored.
    pub(super) async fn has_counted(&self, postgres: &Postgres) -> anyhow::Result<()> {
        self.until(postgres, read_by("followers")).await
    }

    /// Waits until the answer to a question is yes.
    async fn until(&self, postgres: &Postgres, question: String) -> anyhow::Result<()> {
        let mut connection = self.connect(postgres).await?;
        for _ in 0..MOST_LOOKS {
            let answer = sqlx::query_scalar(AssertSqlSafe(question.clone()));
            if answer.fetch_one(&mut connection).await? {
                return Ok(connection.close().await?);
            }
            sleep(SOON).await;
        }
        anyhow::bail!("the server does not get on")
    }

    /// Connects to the database.
    pub(super) async fn connect(&self, postgres: &Postgres) -> anyhow::Result<PgConnection> {
        postgres.connect(&self.database).await
    }
}

/// True if all these readers of the log are at its end.
fn read_by(table: &str) -> String {
    format!(
        "SELECT count(*) > 0 AND bool_and(position >= (SELECT max(position) FROM events))
         FROM {table}"
    )
}
