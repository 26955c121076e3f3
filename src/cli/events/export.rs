//! `events export`: all events of a filter, to standard output or into a file.

use std::path::PathBuf;

use anyhow::{Context, bail};
use bytes::Bytes;
use clap::Args;
use http_body_util::BodyExt;
use indicatif::ProgressBar;

use super::{
    super::{
        api::{Api, Body, Origin, Request},
        output::{Output, bar},
    },
    LIST,
    filter::EventFilters,
    partial::{Format, Partial},
};
use crate::{amounts::count, config::Sources};

/// Exports all events of a filter up to the present end of the log, the oldest first.
///
/// With --out the file appears once the export is complete. Until then FILE.partial keeps what has
/// arrived: after an interruption, the same command goes on behind its last event. In CSV, cells
/// that a spreadsheet would run begin with '.
///
/// Example: hookshelf events export --since 7d --out events.ndjson
/// Example: hookshelf events export --kind comment --format csv > comments.csv
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct Export {
    #[command(flatten)]
    filters: EventFilters,
    /// A JSON object a line, or CSV (RFC 4180).
    #[arg(long, value_enum, default_value = "ndjson")]
    format: Format,
    /// Write into this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    origin: Origin,
}

impl Export {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let request = self.filters.of(Request::to(LIST))?;
        let request = request.with("format", self.format.as_str());
        let api = self.origin.open(sources).await?;
        let Some(out) = &self.out else {
            return print(self.open(&api, &request).await?).await;
        };
        // As it was typed: a while ago means another time in each run.
        let typed = format!("{:?} {:?} from {}", self.format, self.filters, api.name());
        let mut partial = Partial::open(out, self.format, (&typed, &request))?;
        let request = Request::at(partial.request());
        let request = request.with_any("after", partial.last_position());
        let bar = match bar(0) {
            Some(bar) => Some(with_length(bar, &api, &request).await?),
            None => None,
        };
        let body = self.open(&api, &request).await?;
        let ended = receive(body, &mut partial, bar.as_ref()).await;
        if let Some(bar) = &bar {
            bar.finish_and_clear();
        }
        ended.with_context(|| {
            format!(
                "the export is not complete: {} keeps what has arrived, and the same command goes \
                 on behind it",
                partial.path().display()
            )
        })?;
        let events = count(partial.finish(out)?, "event", "events");
        bar.map_or(Ok(()), |_| {
            Output::note(&format!("{}: {events}", out.display()))
        })
    }

    async fn open(&self, api: &Api, request: &Request) -> anyhow::Result<Body> {
        match api.open(request, self.format.media()).await? {
            Some(body) => Ok(body),
            None => bail!("{} does not export events", api.name()),
        }
    }
}

/// Writes an export to standard output.
async fn print(mut body: Body) -> anyhow::Result<()> {
    let mut output = Output::new();
    let incomplete = "the export is not complete: start it again, or use --out to go on later";
    while let Some(bytes) = next(&mut body).await.context(incomplete)? {
        output.bytes(&bytes)?;
    }
    output.finish()
}

async fn receive(
    mut body: Body,
    partial: &mut Partial,
    bar: Option<&ProgressBar>,
) -> anyhow::Result<()> {
    while let Some(bytes) = next(&mut body).await? {
        partial.write(&bytes)?;
        if let Some(bar) = bar {
            bar.set_position(partial.events());
            bar.set_message(count(partial.events(), "event", "events"));
        }
    }
    Ok(())
}

async fn next(body: &mut Body) -> anyhow::Result<Option<Bytes>> {
    while let Some(frame) = body.frame().await.transpose()? {
        if let Ok(bytes) = frame.into_data() {
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}

/// A bar as long as the export may become.
async fn with_length(
    bar: ProgressBar,
    api: &Api,
    request: &Request,
) -> anyhow::Result<ProgressBar> {
    let extent = api.get(&request.with("dry", true)).await?;
    bar.set_length(extent.value("rows_at_most").as_u64().unwrap_or(0));
    Ok(bar)
}
