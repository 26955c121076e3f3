//! `events`: what happened, listed in the order of positions, followed, exported, shown one by one,
//! counted, or purged.

mod export;
pub(super) mod filter;
mod list;
mod partial;
mod tail;

use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};

use self::{export::Export, list::List, tail::Tail};
use super::{
    api::{Answer, Fields, Origin, Request},
    filters,
    output::Output,
    purge::PurgeEvents,
    stats::Stats,
};
use crate::{config::Sources, query::EventRow};

pub(super) use self::filter::EventFilters;

const LIST: &str = "/v1/events";

/// Shows events.
#[derive(Args, Debug)]
pub(super) struct Events {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    List(Box<List>),
    Show(Show),
    Tail(Box<Tail>),
    Stats(Box<Stats>),
    Export(Box<Export>),
    Purge(PurgeEvents),
}

/// Shows the event at a position with all its columns.
///
/// At the position of a repeat it shows the repeat, its event, and the keys of the payload that
/// differ between the two.
///
/// Example: hookshelf events show 42
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
struct Show {
    /// Position of the event in the log.
    #[arg(value_parser = filters::position(), allow_negative_numbers = true)]
    position: i64,
    /// Print a JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    origin: Origin,
}

impl Events {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<ExitCode> {
        match self.verb {
            Verb::List(list) => list.run(sources).await?,
            Verb::Show(show) => show.run(sources).await?,
            Verb::Tail(tail) => tail.run(sources).await?,
            Verb::Stats(stats) => stats.run(sources).await?,
            Verb::Export(export) => export.run(sources).await?,
            Verb::Purge(purge) => purge.run(sources).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Show {
    async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let api = self.origin.open(sources).await?;
        let request = Request::to(LIST).below(&self.position.to_string());
        let answer = api.find(&request).await?.with_context(|| {
            format!(
                "neither an event nor a repeat is at position {}; positions have gaps, and \
                 `hookshelf events list` shows those of events",
                self.position
            )
        })?;
        let is_repeat = answer.row("repeat").is_some();
        let mut output = Output::new();
        match answer.row("event") {
            _ if is_repeat && self.json => output.json(answer.whole())?,
            _ if is_repeat => return print(&answer, output),
            Some(event) if self.json => output.json(&event)?,
            Some(event) => output.fields(&event.columns(&EventRow::default())?)?,
            None => {}
        }
        output.finish()
    }
}

/// Prints a repeat, its event, and where the two differ.
fn print(repeated: &Answer, mut output: Output) -> anyhow::Result<()> {
    if let Some(repeat) = repeated.row("repeat") {
        output.fields(&repeat)?;
    }
    let Some(event) = repeated.row("event") else {
        output.finish()?;
        return Output::note("its event is not stored any more");
    };
    output.line("")?;
    output.fields(&event.columns(&EventRow::default())?)?;
    let differences = repeated.value("differences");
    let rows = differences.as_array().into_iter().flatten();
    let rows = rows.map(|it| {
        ["key", "event", "repeat"]
            .map(|name| it.text(name))
            .to_vec()
    });
    let rows: Vec<_> = rows.collect();
    if !rows.is_empty() {
        output.line("")?;
        output.table(&["key that differs", "event", "repeat"], 1, &rows)?;
    }
    output.finish()?;
    if rows.is_empty() && event.value()["erased_at"].is_null() {
        Output::note("both payloads have the same content")?;
    }
    Ok(())
}
