//! `deliveries`: what arrived, listed in the order of arrival or shown one by one.

use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use uuid::Uuid;

use super::{
    columns::{self, Column},
    database,
    filters::{self, Received},
    output::{self, Form, Output},
};
use crate::{
    config::{AppName, Sources},
    meta::event::{Problem, Source},
    query::{Content, DeliveryFilter, DeliveryRow, Page},
};

/// Shows deliveries.
#[derive(Args, Debug)]
pub(super) struct Deliveries {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    List(List),
    Show(Show),
}

/// Lists deliveries, the newest last, as in a log.
///
/// Without --after these are the newest ones; with it the first ones after that delivery. Of a body
/// there is only its size.
///
/// Example: hookshelf deliveries list --problem empty --since 2026-11-20
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
struct List {
    /// The configured app.
    #[arg(long)]
    app: Option<AppName>,
    /// Only deliveries with this problem.
    #[arg(long, value_parser = filters::problem())]
    problem: Option<Problem>,
    /// Their source; may be given several times, or with commas between.
    #[arg(long, value_name = "SOURCE", value_delimiter = ',', value_parser = filters::source())]
    source: Vec<Source>,
    #[command(flatten)]
    received: Received,
    /// Maximum number of deliveries.
    #[arg(long, default_value = filters::LIMIT, value_name = "COUNT",
          value_parser = filters::limit())]
    limit: u32,
    /// Read forward from behind the delivery with this id.
    #[arg(long, value_name = "ID", value_parser = filters::delivery_id())]
    after: Option<Uuid>,
    #[command(flatten)]
    form: Form,
}

/// Shows a delivery with all its columns, or its body.
///
/// Example: hookshelf deliveries show 0199a7c2-9b3e-7c4d-8a51-3f2e1d0c9b8a --body > body.json
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
struct Show {
    /// Its id.
    #[arg(value_parser = filters::delivery_id())]
    id: Uuid,
    /// The bytes of its body exactly as they were received, and nothing else.
    #[arg(long, conflicts_with = "json")]
    body: bool,
    /// Print a JSON object.
    #[arg(long)]
    json: bool,
}

impl Deliveries {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<ExitCode> {
        match self.verb {
            Verb::List(list) => list.run(sources).await?,
            Verb::Show(show) => show.run(sources).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let [since, until] = self.received.resolve()?;
        let filter = DeliveryFilter {
            app: self.app.as_ref().map(ToString::to_string),
            problem: self.problem,
            sources: self.source,
            since,
            until,
        };
        let page = Page {
            filter,
            after: self.after,
            limit: self.limit,
        };
        let mut session = database::open(sources).await?;
        let rows = session.deliveries(&page).await;
        let rows = rows.map_err(database::of_list)?;
        columns::print(&self.form, &rows, &COLUMNS, 2)?;
        Output::note_if_empty(rows.len(), output::List::Deliveries, page.is_narrowed())
    }
}

const COLUMNS: [Column<DeliveryRow>; 9] = [
    ("id", |row| row.id.to_string()),
    ("received_at", |row| format!("{:.0}", row.received_at)),
    ("app", |row| row.app.clone()),
    ("source", |row| row.source.clone()),
    ("new", |row| row.new.to_string()),
    ("repeated", |row| row.repeated.to_string()),
    ("bytes", |row| {
        let bytes = row.body_bytes.map(|bytes| bytes.to_string());
        bytes.unwrap_or_else(|| "erased".to_owned())
    }),
    ("problem", |row| row.problem.clone().unwrap_or_default()),
    ("repeats of", |row| positions(&row.repeated_events)),
];

/// The positions of repeated events that a table shows; `deliveries show` has all.
const SHOWN: usize = 5;

/// The first positions; `?` for an event that is not known any more.
fn positions(of: &[Option<i64>]) -> String {
    let shown = of.iter().take(SHOWN);
    let shown = shown.map(|it| it.map_or_else(|| "?".to_owned(), |it| it.to_string()));
    let more = (of.len() > SHOWN).then(|| "…".to_owned());
    shown.chain(more).collect::<Vec<_>>().join(" ")
}

impl Show {
    async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let mut session = database::open(sources).await?;
        let mut output = Output::new();
        let unknown = || {
            format!(
                "no delivery has the id {}; `hookshelf deliveries list` shows those that are there",
                self.id
            )
        };
        if self.body {
            match session.body(self.id).await?.with_context(unknown)? {
                Content::Kept(body) => output.bytes(&body)?,
                Content::Erased => bail!(
                    "the body of delivery {} was erased; its other columns are kept",
                    self.id
                ),
            }
            return output.finish();
        }
        let delivery = session.delivery(self.id).await?.with_context(unknown)?;
        if self.json {
            output.json(&delivery)?;
        } else {
            output.fields(&delivery)?;
        }
        output.finish()
    }
}
