//! `destinations list` and `destinations show`.

use clap::Args;
use serde::Serialize;

use super::{
    super::{
        columns::{self, Column},
        consumers::Session,
        output::{self, Form, Output},
    },
    attempts, find,
};
use crate::{
    amounts::span,
    config::{self, Destination, Format, Name, Sources},
    store::{
        attempts::AttemptFilter,
        consumers::{ConsumerStatus, Totals},
    },
};

/// Attempts that `show` prints.
const ATTEMPTS: u32 = 10;

/// Lists destinations with their state and lag.
///
/// `lag` is the number of positions to the end of the log, `oldest` the age of the oldest unsettled
/// event, `waiting` the number of lanes with a failed event.
///
/// Example: hookshelf destinations list
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct List {
    #[command(flatten)]
    form: Form,
}

/// Shows a destination with its last failed attempts.
///
/// Example: hookshelf destinations show chatwoot
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct Show {
    /// Name of the destination.
    name: String,
    /// Print a JSON object, without the attempts.
    #[arg(long)]
    json: bool,
}

impl List {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let config = config::load(sources)?;
        let stored = Session::open(sources).await?.list().await?;
        let row = |(name, destination): (&Name, &Destination)| {
            let status = stored.iter().find(|it| it.name == name.as_str());
            Row::of(name, destination, status)
        };
        let rows: Vec<_> = config.destinations.iter().map(row).collect();
        columns::print_typed(&self.form, &rows, (&COLUMNS, 2))?;
        Output::note_if_empty(rows.len(), output::List::Destinations, false)
    }
}

impl Show {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let config = config::load(sources)?;
        let (name, destination) = find(&config, &self.name)?;
        let stored = Session::open(sources).await?.list().await?;
        let status = stored.iter().find(|it| it.name == self.name);
        let (state, mut output) = (Row::of(name, destination, status), Output::new());
        if self.json {
            output.json(&state)?;
            return output.finish();
        }
        output.fields(&state)?;
        let filter = AttemptFilter {
            destination: self.name,
            ..AttemptFilter::default()
        };
        let attempts = attempts::newest(sources, &filter, ATTEMPTS).await?;
        if !attempts.is_empty() {
            output.line("")?;
            attempts::table(&mut output, &attempts)?;
        }
        output.finish()
    }
}

/// A destination as printed.
#[derive(Debug, Default, Serialize)]
struct Row {
    name: String,
    state: String,
    /// The URL without its path, which may contain a secret.
    url: String,
    format: &'static str,
    position: Option<String>,
    lag: Option<i64>,
    oldest_s: Option<u64>,
    waiting: i64,
    codes: String,
    dead_letters: i64,
    settled: i64,
    skipped: i64,
}

impl Row {
    fn of(name: &Name, destination: &Destination, status: Option<&ConsumerStatus>) -> Self {
        let state = Self {
            name: name.to_string(),
            state: "new".to_owned(),
            url: destination.url.to_string(),
            format: match destination.format {
                Format::Meta(_) => "meta",
                Format::Event(_) => "event",
            },
            ..Self::default()
        };
        let Some(status) = status else { return state };
        let codes = status.codes.iter();
        let codes: Vec<_> = codes
            .map(|(code, lanes)| format!("{code}: {lanes}"))
            .collect();
        Self {
            state: match &status.progress.paused {
                Some(reason) => format!("paused ({reason})"),
                None if status.owner.is_none() => "not running".to_owned(),
                None => "running".to_owned(),
            },
            position: Some(status.progress.position.to_string()),
            lag: Some(status.lag),
            oldest_s: status.oldest.map(|age| age.as_secs()),
            waiting: status.waiting,
            codes: codes.join(", "),
            dead_letters: status.dead_letters,
            settled: status.progress.totals.settled,
            skipped: skipped(status.progress.totals),
            ..state
        }
    }
}

fn skipped(totals: Totals) -> i64 {
    totals.gone + totals.too_old + totals.repeated + totals.filtered
}

const COLUMNS: [Column<Row>; 8] = [
    ("name", |row| row.name.clone()),
    ("state", |row| row.state.clone()),
    ("url", |row| row.url.clone()),
    ("lag", |row| {
        row.lag.map(|it| it.to_string()).unwrap_or_default()
    }),
    ("oldest", |row| row.oldest_s.map(span).unwrap_or_default()),
    ("waiting", |row| row.waiting.to_string()),
    ("codes", |row| row.codes.clone()),
    ("dead letters", |row| row.dead_letters.to_string()),
];
