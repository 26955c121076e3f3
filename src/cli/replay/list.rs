//! `replay list` and `replay show`.

use anyhow::Context;
use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::{
    super::{
        api::{Fields, Origin, Request},
        columns::{self, Column},
        filters,
        output::{self, Form, Output},
    },
    LIST,
    control::unknown,
    number, one,
    words::words,
};
use crate::config::Sources;

/// Lists replays, the newest last.
///
/// `left` is the number of events that are not settled, skipped or dead.
///
/// Example: hookshelf replay list
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct List {
    /// Name of the consumer or destination.
    #[arg(long, value_name = "NAME")]
    to: Option<String>,
    /// Maximum number of replays.
    #[arg(long, default_value = filters::LIMIT, value_name = "COUNT",
          value_parser = filters::limit())]
    limit: u32,
    #[command(flatten)]
    form: Form,
    #[command(flatten)]
    origin: Origin,
}

/// Shows a replay with its progress.
///
/// Example: hookshelf replay show 1
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct Show {
    /// Number of the replay.
    #[arg(value_parser = number())]
    id: u32,
    /// Print a JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    origin: Origin,
}

impl List {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let request = Request::to(LIST).with_any("to", self.to.as_ref());
        let narrowed = request.is_narrowed();
        let api = self.origin.open(sources).await?;
        let (mut rows, _) = api.rows(request, "replays", self.limit).await?;
        rows.reverse();
        columns::print(&self.form, &rows, &Shape::default(), (&COLUMNS, 3))?;
        Output::note_if_empty(rows.len(), output::List::Replays, narrowed)
    }
}

impl Show {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let api = self.origin.open(sources).await?;
        let found = api.find(&one(self.id)).await?;
        let found = found.with_context(|| unknown(self.id))?;
        let mut output = Output::new();
        if self.json {
            output.json(found.whole())?;
            return output.finish();
        }
        let replay = found.whole().value();
        for (name, text) in COLUMNS {
            let text = text(&replay);
            if !text.is_empty() {
                output.field(name, &text)?;
            }
        }
        output.finish()
    }
}

/// Keys of a replay, in the order in which they are printed.
#[derive(Default, Serialize)]
struct Shape {
    id: (),
    to: (),
    state: (),
    progress: (),
    events: (),
    settled: (),
    skipped: (),
    dead: (),
    left: (),
    filter: (),
    of_dead: (),
    ignore_max_age: (),
    rate: (),
    note: (),
    operator: (),
    created_at: (),
    ended_at: (),
    after: (),
    through: (),
    position: (),
    masked: (),
}

const COLUMNS: [Column; 14] = [
    ("id", |replay| replay.text("id")),
    ("to", |replay| replay.text("to")),
    ("state", |replay| replay.text("state")),
    ("progress", |replay| {
        format!("{} %", replay.text("progress"))
    }),
    ("events", |replay| replay.text("events")),
    ("settled", |replay| replay.text("settled")),
    ("skipped", |replay| replay.text("skipped")),
    ("dead", |replay| replay.text("dead")),
    ("left", left),
    ("operator", |replay| replay.text("operator")),
    ("created_at", |replay| replay.time("created_at")),
    ("ended_at", |replay| replay.time("ended_at")),
    ("note", |replay| replay.text("note")),
    ("filter", words),
];

fn left(replay: &Value) -> String {
    let left = replay.some_text("left");
    left.unwrap_or_else(|| "unknown".to_owned())
}
