//! `consumers`: state of consumers, and changes of consumers and destinations by an operator.

mod control;
mod dead;
mod discard;
mod letters;
mod moves;
mod state;

use std::{process::ExitCode, time::Duration};

use anyhow::{Context, anyhow};
use clap::{Args, Subcommand};

pub(super) use control::Control;

use super::database;
use crate::{
    config::{self, Config, EventChoice, Name, Sources, nearest},
    store::{
        self, Connection, Writes,
        audit::{self, AuditEntry},
        consumers::{self, ConsumerStatus},
    },
};

/// Shows consumers, and changes the place of consumers and destinations in the log.
#[derive(Args, Debug)]
pub(super) struct Consumers {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    List(state::List),
    Show(state::Show),
    /// Pauses a consumer: its events stay in the log until it is resumed.
    ///
    /// The server learns of it within about three seconds. Events that workers hold can still be
    /// settled.
    ///
    /// Example: hookshelf consumers pause bot
    #[command(verbatim_doc_comment)]
    Pause(Control),
    /// Resumes a paused consumer.
    ///
    /// The server learns of it within about three seconds.
    ///
    /// Example: hookshelf consumers resume bot
    #[command(verbatim_doc_comment)]
    Resume(Control),
    Seek(moves::Seek),
    Remove(moves::Remove),
    Dead(dead::Dead),
}

impl Consumers {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<ExitCode> {
        match self.verb {
            Verb::List(list) => list.run(sources).await?,
            Verb::Show(show) => show.run(sources).await?,
            Verb::Pause(it) => it.pause(sources).await?,
            Verb::Resume(it) => it.resume(sources).await?,
            Verb::Seek(seek) => seek.run(sources).await?,
            Verb::Remove(remove) => remove.run(sources).await?,
            Verb::Dead(dead) => dead.run(sources).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Deadline for connecting.
const DEADLINE: Duration = Duration::from_secs(10);

/// Database session for consumers, and the configuration.
pub(super) struct Session {
    conn: Connection,
    writes: Writes,
    config: Config,
}

impl Session {
    pub(super) async fn open(sources: &Sources) -> anyhow::Result<Self> {
        let options = database::options(sources).await?;
        Ok(Self {
            conn: store::connect(&options, DEADLINE).await?,
            writes: Writes::new(&options),
            config: config::load(sources)?,
        })
    }

    /// Stored state of all consumers and destinations.
    pub(super) async fn list(&mut self) -> anyhow::Result<Vec<ConsumerStatus>> {
        Ok(consumers::list(&mut self.conn).await?)
    }

    /// Stored state of a consumer.
    pub(super) async fn status(&mut self, name: &str) -> anyhow::Result<ConsumerStatus> {
        if let Some(status) = consumers::status(&mut self.conn, name).await? {
            return Ok(status);
        }
        if self.is_configured(name) {
            return Err(anyhow!(
                "{name} has no place in the log yet; the server creates it when it starts, or with \
                 `hookshelf reload`"
            ));
        }
        let stored = consumers::list(&mut self.conn).await?;
        let stored = stored.iter().map(|it| it.name.as_str());
        let near = nearest(name, stored.chain(self.names()));
        let near = near.map(|near| format!("; did you mean {near}?"));
        Err(anyhow!(
            "no consumer or destination is called {name}{}",
            near.unwrap_or_default()
        ))
    }

    /// Names in the configuration.
    fn names(&self) -> impl Iterator<Item = &str> {
        let consumers = self.config.consumers.keys();
        let names = consumers.chain(self.config.destinations.keys());
        names.map(Name::as_str)
    }

    fn is_configured(&self, name: &str) -> bool {
        self.names().any(|known| known == name)
    }

    /// Filter of a configured consumer or destination.
    fn choice(&self, name: &str) -> EventChoice {
        let consumer = self.config.consumers.get(name).map(|it| &it.filter);
        let destination = self.config.destinations.get(name).map(|it| &it.filter);
        consumer.or(destination).cloned().unwrap_or_default()
    }

    /// Records a change in the audit, before the change is made.
    pub(super) async fn record(
        &self,
        verb: &'static str,
        name: &str,
        rows: Option<i64>,
    ) -> anyhow::Result<()> {
        let entry = AuditEntry {
            token: "local".to_owned(),
            address: None,
            verb,
            subject: Some(name.to_owned()),
            rows,
        };
        let written = audit::write(&self.writes, &entry).await;
        written.context("failed to write the audit entry; nothing was changed")
    }
}
