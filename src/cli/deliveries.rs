//! `deliveries`: what arrived, listed in the order of arrival or shown one by one.

use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use http_body_util::BodyExt;
use serde_json::Value;
use uuid::Uuid;

use super::{
    api::{Api, Fields, Origin, PAGE, Request, Row},
    columns::{self, Column},
    filters::{self, Received},
    output::{self, Form, Output},
};
use crate::{
    config::{AppName, Sources},
    meta::event::Source,
    query::DeliveryRow,
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
    /// Only deliveries with this problem, or with any.
    #[arg(long, value_parser = filters::problem_or_any())]
    problem: Option<String>,
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
    #[command(flatten)]
    origin: Origin,
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
    #[command(flatten)]
    origin: Origin,
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
        let request = Request::to("/v1/deliveries")
            .with_any("app", self.app)
            .with_any("problem", self.problem)
            .with_all("source", &self.source, Source::as_str)
            .with_any("after", self.after);
        let request = self.received.of(request)?;
        let narrowed = request.is_narrowed();
        let api = self.origin.open(sources).await?;
        let rows = match self.after {
            Some(_) => api.rows(request, "deliveries", self.limit).await?.0,
            None => newest(&api, &request, self.limit).await?,
        };
        columns::print(&self.form, &rows, &DeliveryRow::default(), (&COLUMNS, 2))?;
        Output::note_if_empty(rows.len(), output::List::Deliveries, narrowed)
    }
}

/// The newest deliveries, the newest last.
async fn newest(api: &Api, request: &Request, limit: u32) -> anyhow::Result<Vec<Row>> {
    let (mut rows, mut left) = (Vec::new(), limit);
    let mut request = request.clone();
    while left > 0 {
        let size = left.min(PAGE);
        let answer = api.get(&request.with("limit", size)).await?;
        let page = answer.rows("deliveries")?;
        let first = page.first().map(|row| row.value().text("id"));
        left = if page.len() < size as usize {
            0
        } else {
            left - size
        };
        request = request.with_any("before", first);
        rows.splice(0..0, page);
    }
    Ok(rows)
}

const COLUMNS: [Column; 9] = [
    ("id", |row| row.text("id")),
    ("received_at", |row| row.time("received_at")),
    ("app", |row| row.text("app")),
    ("source", |row| row.text("source")),
    ("new", |row| row.text("new")),
    ("repeated", |row| row.text("repeated")),
    ("bytes", |row| {
        let bytes = row.some_text("body_bytes");
        bytes.unwrap_or_else(|| "erased".to_owned())
    }),
    ("problem", |row| row.text("problem")),
    ("repeats of", |row| positions(row.list("repeated_events"))),
];

/// The positions of repeated events that a table shows; `deliveries show` has all.
const SHOWN: usize = 5;

/// The first positions; `?` for an event that is not known any more.
fn positions(of: &[Value]) -> String {
    let shown = of.iter().take(SHOWN);
    let shown = shown.map(|it| it.as_str().unwrap_or("?"));
    let more = (of.len() > SHOWN).then_some("…");
    shown.chain(more).collect::<Vec<_>>().join(" ")
}

impl Show {
    async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let api = self.origin.open(sources).await?;
        let request = Request::to("/v1/deliveries").below(&self.id.to_string());
        let unknown = || {
            format!(
                "no delivery has the id {}; `hookshelf deliveries list` shows those that are there",
                self.id
            )
        };
        let mut output = Output::new();
        if self.body {
            let body = api
                .open(&request.below("body"), "application/octet-stream")
                .await?;
            let body = body.with_context(unknown)?.collect().await?;
            output.bytes(&body.to_bytes())?;
            return output.finish();
        }
        let answer = api.find(&request).await?.with_context(unknown)?;
        let delivery = answer.row("delivery").with_context(unknown)?;
        if self.json {
            output.json(&delivery)?;
        } else {
            output.fields(&delivery)?;
        }
        output.finish()
    }
}
