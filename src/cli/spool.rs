//! `spool`: what the running server keeps on its disk while Postgres is away.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{
    columns::{self, Column},
    draining::Drain,
    filters,
    output::{self, Form, Output},
    server::Listener,
    spool_status::{STATUS, lines},
};
use crate::{
    config::{self, Sources},
    query::{MOST_WAITING, Waiting, WaitingList},
    spool::{SpoolPosition, SpoolReport},
};

/// Shows and empties the spool, which keeps deliveries while Postgres is away.
///
/// The running server is asked, over its admin listener: one process at a time uses the directory
/// of a spool.
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct Spool {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Status(Status),
    Inspect(Inspect),
    Drain(Drain),
}

/// Says how many deliveries wait, how much room is left, and how the drain gets on.
///
/// Example: hookshelf spool status
#[derive(Args, Debug)]
struct Status {
    /// Print a JSON object.
    #[arg(long)]
    json: bool,
}

/// Lists the deliveries that wait, the oldest first: which they are and what kinds of events are in
/// them, never their content.
///
/// Example: hookshelf spool inspect --limit 20
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
struct Inspect {
    /// Maximum number of deliveries.
    #[arg(long, default_value = filters::LIMIT, value_name = "COUNT",
          value_parser = filters::limit())]
    limit: u32,
    /// Go on behind this place of an earlier list.
    #[arg(long, value_name = "PLACE")]
    after: Option<SpoolPosition>,
    #[command(flatten)]
    form: Form,
}

impl Spool {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<ExitCode> {
        let operators = operators(sources)?;
        match self.verb {
            Verb::Status(status) => status.run(&operators).await?,
            Verb::Inspect(inspect) => inspect.run(&operators).await?,
            Verb::Drain(drain) => drain.run(&operators).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn operators(sources: &Sources) -> anyhow::Result<Listener> {
    let config = config::load(sources)?;
    let dir = config.spool.directory(&config.data_dir);
    let why = format!(
        "one process at a time uses the spool in {}, so the running server is asked; start it with \
         `hookshelf serve`, which also drains it, or name its configuration with --config",
        dir.display()
    );
    Listener::admin(&config, &why)
}

impl Status {
    async fn run(self, operators: &Listener) -> anyhow::Result<()> {
        let report: SpoolReport = operators.get(STATUS).await?;
        let mut output = Output::new();
        if self.json {
            output.json(&report)?;
        } else {
            for (name, value) in lines(&report) {
                output.field(name, &value)?;
            }
        }
        output.finish()
    }
}

impl Inspect {
    async fn run(self, operators: &Listener) -> anyhow::Result<()> {
        let (records, next) = self.list(operators).await?;
        columns::print_typed(&self.form, &records, (&COLUMNS, 2))?;
        if let Some(next) = next.filter(|_| self.form.format().is_none()) {
            Output::note(&format!("more may follow: --after {next}"))?;
        }
        Output::note_if_empty(records.len(), output::List::Waiting, self.after.is_some())
    }

    /// Reads up to `limit` deliveries, page by page, and returns the place to continue from.
    async fn list(&self, operators: &Listener) -> anyhow::Result<(Vec<Waiting>, Option<String>)> {
        let limit = usize::try_from(self.limit)?;
        let mut records = Vec::new();
        let mut after = self.after.map(|place| place.to_string());
        loop {
            let part = MOST_WAITING.min(limit - records.len());
            let behind = after.map_or_else(String::new, |place| format!("&after={place}"));
            let path = format!("{STATUS}/records?limit={part}{behind}");
            let list: WaitingList = operators.get(&path).await?;
            records.extend(list.records);
            after = list.next;
            if after.is_none() || records.len() >= limit {
                return Ok((records, after));
            }
        }
    }
}

const COLUMNS: [Column<Waiting>; 7] = [
    ("place", |waiting| waiting.place.clone()),
    ("id", |waiting| waiting.id.to_string()),
    ("received_at", |waiting| {
        format!("{:.0}", waiting.received_at)
    }),
    ("app", |waiting| waiting.app.clone()),
    ("secret", |waiting| waiting.secret.clone()),
    ("bytes", |waiting| waiting.bytes.to_string()),
    ("kinds", kinds),
];

/// The problem of a delivery, and how many items of each kind it has.
fn kinds(waiting: &Waiting) -> String {
    let kinds = waiting.kinds.iter();
    let kinds = kinds.map(|(kind, count)| format!("{count} {kind}"));
    let found = waiting.problem.clone().into_iter().chain(kinds);
    found.collect::<Vec<_>>().join(", ")
}
