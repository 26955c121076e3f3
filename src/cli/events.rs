//! `events`: what happened, listed in the order of positions, shown one by one, counted, or purged.

use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};

use super::{
    columns::{self, Column},
    database,
    filters::{self, Received, Which},
    output::{self, Form, Format, Output},
    purge::PurgeEvents,
    stats::Stats,
};
use crate::{
    clock::Clock,
    config::Sources,
    query::{self, EventFilter, EventRow, Item, Page, RepeatedEvent, Session},
};

/// Time between occurring and receiving from which a table shows both.
const APART: SignedDuration = SignedDuration::from_mins(1);

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
    Stats(Box<Stats>),
    Purge(PurgeEvents),
}

/// Lists events, the newest last, as in a log.
///
/// Without --after these are the newest ones; with it the first ones after that position, so that
/// the last position of one list is where the next one goes on. The table has a column
/// `occurred_at` if an event happened more than a minute before or after it was received. Of a
/// reaction it shows the emoji as text, with `unreact` if it was taken back.
///
/// Example: hookshelf events list --kind comment,mention --since 2h --json
/// Example: hookshelf events list --text "gift card" --since 7d
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
struct List {
    #[command(flatten)]
    which: Which,
    /// The subscription field in Meta's spelling for Instagram, such as comments.
    #[arg(long)]
    field: Option<String>,
    /// The other party: an IGSID.
    #[arg(long, value_name = "IGSID")]
    person: Option<String>,
    /// The user name of the other party, in upper or lower case.
    #[arg(long, value_name = "NAME", value_parser = filters::username)]
    username: Option<String>,
    /// A part of what was written, in upper or lower case; no character is a wildcard. Without
    /// --since it searches the 24 hours before --until, or before now.
    #[arg(long, value_name = "TEXT", value_parser = filters::text)]
    text: Option<String>,
    #[command(flatten)]
    received: Received,
    /// Maximum number of events.
    #[arg(long, default_value = filters::LIMIT, value_name = "COUNT",
          value_parser = filters::limit())]
    limit: u32,
    /// Read forward from behind this position.
    #[arg(long, value_name = "POSITION", value_parser = filters::position(),
          allow_negative_numbers = true)]
    after: Option<i64>,
    #[command(flatten)]
    form: Form,
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
}

impl Events {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<ExitCode> {
        match self.verb {
            Verb::List(list) => list.run(sources).await?,
            Verb::Show(show) => show.run(sources).await?,
            Verb::Stats(stats) => stats.run(sources).await?,
            Verb::Purge(purge) => purge.run(sources).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let page = Page {
            filter: self.filter()?,
            after: self.after,
            limit: self.limit,
        };
        let narrowed = page.is_narrowed();
        let mut events = query::Events::of(page, Clock::system().now());
        let mut session = database::open(sources).await?;
        let rows = if let Some(format) = self.form.format() {
            lines(format, &mut events, &mut session).await?
        } else {
            events = events.without_payloads();
            table(&mut events, &mut session).await?
        };
        if let Some(since) = events.assumed_since() {
            Output::note(&format!(
                "--text searched what was received since {since:.0}; to search more, add --since"
            ))?;
        }
        Output::note_if_empty(rows, output::List::Events, narrowed)
    }

    fn filter(&self) -> anyhow::Result<EventFilter> {
        let [since, until] = self.received.resolve()?;
        Ok(EventFilter {
            kinds: self.which.kind.clone(),
            sources: self.which.source.clone(),
            field: self.field.clone(),
            app: self.which.app(),
            account_ids: self.which.account.iter().cloned().collect(),
            person_id: self.person.clone(),
            username: self.username.clone(),
            text: self.text.clone(),
            since,
            until,
            ..EventFilter::default()
        })
    }
}

/// Hands each event to `take`, and counts them.
async fn each(
    events: &mut query::Events,
    session: &mut Session,
    mut take: impl FnMut(EventRow) -> anyhow::Result<()>,
) -> anyhow::Result<usize> {
    let mut rows = 0;
    loop {
        let next = events.next(session).await.map_err(database::of_list)?;
        if next.is_empty() {
            return Ok(rows);
        }
        rows += next.len();
        next.into_iter().try_for_each(&mut take)?;
    }
}

/// Prints a line for each event, and counts them.
async fn lines(
    format: Format,
    events: &mut query::Events,
    session: &mut Session,
) -> anyhow::Result<usize> {
    let mut output = Output::new();
    output.head(format, &EventRow::default())?;
    let print = |row| {
        let event = query::event(row, true);
        match format {
            Format::Json => output.json(&event),
            Format::Csv => output.row(format, event.columns()),
        }
    };
    let rows = each(events, session, print).await?;
    output.finish()?;
    Ok(rows)
}

/// Prints a row for each event, and counts them.
async fn table(events: &mut query::Events, session: &mut Session) -> anyhow::Result<usize> {
    let mut columns = COLUMNS.to_vec();
    let mut rows = Vec::new();
    let keep = |event| {
        rows.push(columns::cells(&COLUMNS, &event));
        Ok(())
    };
    let count = each(events, session, keep).await?;
    if rows.iter().all(|row| row[OCCURRED_AT].is_empty()) {
        columns.remove(OCCURRED_AT);
        for row in &mut rows {
            row.remove(OCCURRED_AT);
        }
    }
    let names: Vec<_> = columns.iter().map(|(name, _)| *name).collect();
    let mut output = Output::new();
    output.table(&names, names.len() - 1, &rows)?;
    output.finish()?;
    Ok(count)
}

const COLUMNS: [Column<EventRow>; 8] = [
    ("position", |event| event.position.to_string()),
    ("received_at", |event| format!("{:.0}", event.received_at)),
    ("occurred_at", occurred_apart),
    ("kind", kind),
    ("app", |event| event.app.clone()),
    ("account_id", |event| {
        event.account_id.clone().unwrap_or_default()
    }),
    ("person_id", |event| {
        event.person_id.clone().unwrap_or_default()
    }),
    ("text", text),
];

/// The place of `occurred_at` in the table.
const OCCURRED_AT: usize = 2;

fn kind(event: &EventRow) -> String {
    let echo = if event.is_echo { " (echo)" } else { "" };
    format!("{}{echo}", event.kind)
}

/// The beginning of what was written, or the reaction.
fn text(event: &EventRow) -> String {
    const LONGEST: usize = 200;
    let text = event.text.clone().or_else(|| query::reaction(event));
    text.unwrap_or_default().chars().take(LONGEST).collect()
}

/// The time at which it happened, if that is not about the time at which it was received.
fn occurred_apart(event: &EventRow) -> String {
    let apart = |at: &Timestamp| at.duration_since(event.received_at).abs() > APART;
    let at = event.occurred_at.filter(apart);
    at.map(|at| format!("{at:.0}")).unwrap_or_default()
}

impl Show {
    async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let mut session = database::open(sources).await?;
        let item = session.item(self.position).await?.with_context(|| {
            format!(
                "neither an event nor a repeat is at position {}; positions have gaps, and \
                 `hookshelf events list` shows those of events",
                self.position
            )
        })?;
        let mut output = Output::new();
        match &item {
            item if self.json => output.json(item)?,
            Item::Event(event) => output.fields(event.columns())?,
            Item::Repeat(repeat) => return print(repeat, output),
        }
        output.finish()
    }
}

/// Prints a repeat, its event, and where the two differ.
fn print(repeated: &RepeatedEvent, mut output: Output) -> anyhow::Result<()> {
    output.fields(&repeated.repeat)?;
    let Some(event) = &repeated.event else {
        output.finish()?;
        return Output::note("its event is not stored any more");
    };
    output.line("")?;
    output.fields(event.columns())?;
    let cell = |value: &Option<String>| value.clone().unwrap_or_default();
    let rows = repeated.differences.iter();
    let rows = rows.map(|it| vec![it.key.clone(), cell(&it.event), cell(&it.repeat)]);
    let rows: Vec<_> = rows.collect();
    if !rows.is_empty() {
        output.line("")?;
        output.table(&["key that differs", "event", "repeat"], 1, &rows)?;
    }
    output.finish()?;
    if rows.is_empty() && event.columns().erased_at.is_none() {
        Output::note("both payloads have the same content")?;
    }
    Ok(())
}
