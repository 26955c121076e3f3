//! `events`: what happened, listed in the order of positions, shown one by one, counted, or purged.

use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{
    database,
    filters::{self, Received, Which},
    output::{self, Form, Format, Output},
    purge::PurgeEvents,
    stats::Stats,
};
use crate::{
    clock::Clock,
    config::Sources,
    query::{self, Difference, EventFilter, EventRow, RepeatRow},
    store::Reader,
};

/// Span in which a text is searched for without --since.
const SEARCHED: SignedDuration = SignedDuration::from_hours(24);

/// Time between occurring and receiving from which a table shows both.
const APART: SignedDuration = SignedDuration::from_mins(1);

/// The place of `occurred_at` in the table.
const OCCURRED_AT: usize = 2;

/// Shows what happened.
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
    /// How many at most.
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
    /// Where the event is in the log.
    #[arg(value_parser = filters::position(), allow_negative_numbers = true)]
    position: i64,
    /// One JSON object.
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
        let mut filter = self.filter()?;
        let narrowed = self.after.is_some() || filter != EventFilter::default();
        let assumed = bound(&mut filter);
        let mut events = match self.after {
            Some(position) => query::Events::after(filter, position, self.limit),
            None => query::Events::newest(filter, self.limit),
        };
        let mut reader = database::open(sources).await?;
        let rows = match self.form.format() {
            Some(format) => lines(format, &mut events, &mut reader).await?,
            None => table(&mut events, &mut reader).await?,
        };
        if let Some(since) = assumed {
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
            account_id: self.which.account.clone(),
            person_id: self.person.clone(),
            username: self.username.clone(),
            text: self.text.clone(),
            since,
            until,
        })
    }
}

/// Bounds what is searched for a text, because no index helps with it; says since when.
fn bound(filter: &mut EventFilter) -> Option<Timestamp> {
    if filter.text.is_none() || filter.since.is_some() {
        return None;
    }
    let until = filter.until.unwrap_or_else(|| Clock::system().now());
    filter.since = Some(until.checked_sub(SEARCHED).unwrap_or(Timestamp::MIN));
    filter.since
}

/// Prints a line for each event, and counts them.
async fn lines(
    format: Format,
    events: &mut query::Events,
    reader: &mut Reader,
) -> anyhow::Result<usize> {
    let mut output = Output::new();
    output.head(format, &EventRow::default())?;
    let mut rows = 0;
    loop {
        let page = events.next_page(reader).await.map_err(database::of_list)?;
        if page.is_empty() {
            break;
        }
        rows += page.len();
        for event in &page {
            output.row(format, event)?;
        }
    }
    output.finish()?;
    Ok(rows)
}

/// Prints a row for each event, and counts them.
async fn table(events: &mut query::Events, reader: &mut Reader) -> anyhow::Result<usize> {
    let mut names = vec![
        "position",
        "received_at",
        "occurred_at",
        "kind",
        "app",
        "account_id",
        "person_id",
        "text",
    ];
    let mut rows = Vec::new();
    loop {
        let page = events.next_page(reader).await.map_err(database::of_list)?;
        if page.is_empty() {
            break;
        }
        rows.extend(page.into_iter().map(cells));
    }
    if rows
        .iter()
        .all(|row: &Vec<String>| row[OCCURRED_AT].is_empty())
    {
        names.remove(OCCURRED_AT);
        for row in &mut rows {
            row.remove(OCCURRED_AT);
        }
    }
    let mut output = Output::new();
    output.table(&names, names.len() - 1, &rows)?;
    output.finish()?;
    Ok(rows.len())
}

/// The words of a row of the table; of a long text the beginning.
fn cells(event: EventRow) -> Vec<String> {
    const LONGEST: usize = 200;
    let occurred_at = occurred_apart(&event);
    let reaction = query::reaction(&event);
    let kind = if event.is_echo {
        format!("{} (echo)", event.kind)
    } else {
        event.kind
    };
    let text = event.text.or(reaction).unwrap_or_default();
    vec![
        event.position.to_string(),
        format!("{:.0}", event.received_at),
        occurred_at.unwrap_or_default(),
        kind,
        event.app,
        event.account_id.unwrap_or_default(),
        event.person_id.unwrap_or_default(),
        text.chars().take(LONGEST).collect(),
    ]
}

/// The time at which it happened, if that is not about the time at which it was received.
fn occurred_apart(event: &EventRow) -> Option<String> {
    let at = event.occurred_at?;
    let apart = at.duration_since(event.received_at).abs();
    (apart > APART).then(|| format!("{at:.0}"))
}

impl Show {
    async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let mut reader = database::open(sources).await?;
        let Some(event) = reader.event(self.position).await? else {
            return self.show_repeat(reader).await;
        };
        let mut output = Output::new();
        if self.json {
            output.json(&event)?;
        } else {
            output.fields(&event)?;
        }
        output.finish()
    }

    async fn show_repeat(self, mut reader: Reader) -> anyhow::Result<()> {
        let repeat = reader.repeat(self.position).await?.with_context(|| {
            format!(
                "neither an event nor a repeat is at position {}; positions have gaps, and \
                 `hookshelf events list` shows those of events",
                self.position
            )
        })?;
        let event = match repeat.event_position {
            Some(position) => reader.event(position).await?,
            None => None,
        };
        let event = event.filter(|event| event.dedupe_key == repeat.dedupe_key);
        let shown = RepeatedEvent::of(repeat, event);
        if self.json {
            let mut output = Output::new();
            output.json(&shown)?;
            return output.finish();
        }
        shown.print()
    }
}

/// A repeat with its event.
#[derive(Serialize)]
struct RepeatedEvent {
    repeat: RepeatRow,
    /// None if it was purged, or its day was dropped.
    event: Option<EventRow>,
    differences: Vec<Difference>,
}

impl RepeatedEvent {
    fn of(repeat: RepeatRow, event: Option<EventRow>) -> Self {
        let payloads = event.as_ref().and_then(|event| event.payload.as_ref());
        let payloads = payloads.zip(repeat.payload.as_ref());
        let differences =
            payloads.map(|(event, repeat)| query::differences(event.get(), repeat.get()));
        Self {
            differences: differences.unwrap_or_default(),
            repeat,
            event,
        }
    }

    fn print(&self) -> anyhow::Result<()> {
        let mut output = Output::new();
        output.fields(&self.repeat)?;
        let Some(event) = &self.event else {
            output.finish()?;
            return Output::note("its event is not stored any more");
        };
        output.line("")?;
        output.fields(event)?;
        let cell = |value: &Option<String>| value.clone().unwrap_or_default();
        let rows = self.differences.iter();
        let rows = rows.map(|it| vec![it.key.clone(), cell(&it.event), cell(&it.repeat)]);
        let rows: Vec<_> = rows.collect();
        if !rows.is_empty() {
            output.line("")?;
            output.table(&["key that differs", "event", "repeat"], 1, &rows)?;
        }
        output.finish()?;
        if rows.is_empty() && event.erased_at.is_none() {
            Output::note("the payloads of the two say the same")?;
        }
        Ok(())
    }
}
