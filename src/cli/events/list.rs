//! `events list`: a page of events, or the result of a search.

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    super::{
        api::{Api, Fields, Origin, PAGE, Request, Row},
        columns::{self, Column},
        filters,
        output::{self, Form, Format, Output},
    },
    LIST,
    filter::EventFilters,
};
use crate::{config::Sources, meta::event::Kind, query::EventRow};

/// Time between occurring and receiving from which a table shows both.
const APART: SignedDuration = SignedDuration::from_mins(1);

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
pub(super) struct List {
    #[command(flatten)]
    filters: EventFilters,
    /// A part of what was written, in upper or lower case; no character is a wildcard. Without
    /// --since it searches the 24 hours before --until, or before now.
    #[arg(long, value_name = "TEXT", value_parser = filters::text)]
    text: Option<String>,
    /// A part of the item's JSON, in the same way.
    #[arg(long, value_name = "TEXT", value_parser = filters::text)]
    payload: Option<String>,
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
    #[command(flatten)]
    origin: Origin,
}

impl List {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let request = self
            .filters
            .of(Request::to(LIST))?
            .with_any("text", self.text.as_ref())
            .with_any("payload", self.payload.as_ref());
        let narrowed = request.is_narrowed() || self.after.is_some();
        let is_search = self.text.is_some() || self.payload.is_some();
        let api = self.origin.open(sources).await?;
        let (rows, searched) = match self.after {
            _ if is_search => self.search(&api, request).await?,
            Some(after) => {
                let request = request.with("order", "oldest").with("after", after);
                (api.rows(request, "events", self.limit).await?.0, None)
            }
            None => {
                let (mut rows, _) = api.rows(request, "events", self.limit).await?;
                rows.reverse();
                (rows, None)
            }
        };
        print(self.form.format(), &rows)?;
        if let Some(since) = searched.filter(|_| !self.filters.has_start()) {
            Output::note(&format!(
                "the search covered what was received since {since:.0}; to search more, add --since"
            ))?;
        }
        Output::note_if_empty(rows.len(), output::List::Events, narrowed)
    }

    /// Searches backward, a day at most for each request, until there are enough events. With
    /// --after, it searches back to that position, and returns the first events behind it.
    async fn search(
        &self,
        api: &Api,
        request: Request,
    ) -> anyhow::Result<(Vec<Row>, Option<Timestamp>)> {
        let (limit, mut found) = (usize::try_from(self.limit)?, Vec::new());
        let mut request = request.with("limit", self.limit.min(PAGE));
        loop {
            let answer = api.get(&request).await?;
            let page = answer.rows("events")?;
            let wanted = page.len();
            found.extend(page.into_iter().filter(|row| self.is_behind_start(row)));
            let is_enough = found.len() >= limit && self.after.is_none();
            let is_past = self.after.is_some() && found.len() < wanted;
            match answer.text("next") {
                Some(next) if !is_enough && !is_past => request = api.at(&next),
                _ => {
                    found.reverse();
                    let surplus = found.len().saturating_sub(limit);
                    let start = if self.after.is_some() { 0 } else { surplus };
                    let rows = found.into_iter().skip(start).take(limit).collect();
                    return Ok((
                        rows,
                        answer
                            .value("searched_until")
                            .as_str()
                            .and_then(|it| it.parse().ok()),
                    ));
                }
            }
        }
    }

    fn is_behind_start(&self, row: &Row) -> bool {
        self.after
            .is_none_or(|after| position(&row.value()) > after)
    }
}

fn position(event: &Value) -> i64 {
    event.text("position").parse().unwrap_or_default()
}

/// Prints the events, the last one last.
fn print(format: Option<Format>, rows: &[Row]) -> anyhow::Result<()> {
    let mut output = Output::new();
    match format {
        // As the API spells them: all have the same keys in the same order.
        Some(Format::Json) => rows.iter().try_for_each(|row| output.json(row))?,
        Some(format) => columns::lines(&mut output, format, rows, &EventRow::default())?,
        None => table(&mut output, rows)?,
    }
    output.finish()
}

/// Prints a row for each event.
fn table(output: &mut Output, rows: &[Row]) -> anyhow::Result<()> {
    let mut columns = COLUMNS.to_vec();
    let cells = |row: &Row| columns::cells(&COLUMNS, &row.value());
    let mut rows: Vec<_> = rows.iter().map(cells).collect();
    if rows.iter().all(|row| row[OCCURRED_AT].is_empty()) {
        columns.remove(OCCURRED_AT);
        for row in &mut rows {
            row.remove(OCCURRED_AT);
        }
    }
    let names: Vec<_> = columns.iter().map(|(name, _)| *name).collect();
    output.table(&names, names.len() - 1, &rows)
}

const COLUMNS: [Column; 8] = [
    ("position", |event| event.text("position")),
    ("received_at", |event| event.time("received_at")),
    ("occurred_at", occurred_apart),
    ("kind", kind),
    ("app", |event| event.text("app")),
    ("account_id", |event| event.text("account_id")),
    ("person_id", |event| event.text("person_id")),
    ("text", text),
];

/// The place of `occurred_at` in the table.
const OCCURRED_AT: usize = 2;

/// The kind, and if the event is an echo.
pub(super) fn kind(event: &Value) -> String {
    let echo = if event.flag("is_echo") { " (echo)" } else { "" };
    format!("{}{echo}", event.text("kind"))
}

/// The beginning of what was written, or the reaction.
pub(super) fn text(event: &Value) -> String {
    const LONGEST: usize = 200;
    let text = event.some_text("text").or_else(|| reaction(event));
    text.unwrap_or_default().chars().take(LONGEST).collect()
}

/// Emoji of a reaction, or its name if there is no emoji; an action other than `react` comes first.
fn reaction(event: &Value) -> Option<String> {
    if event["kind"] != Kind::Reaction.as_str() {
        return None;
    }
    let data = &event["data"];
    let action = data.some_text("action").filter(|action| action != "react");
    let emoji = data
        .some_text("emoji")
        .or_else(|| data.some_text("reaction"));
    let words: Vec<_> = action.into_iter().chain(emoji).collect();
    Some(words.join(" "))
}

/// The time at which it happened, if that is not about the time at which it was received.
fn occurred_apart(event: &Value) -> String {
    let received = event.at("received_at").unwrap_or_default();
    let apart = |at: &Timestamp| at.duration_since(received).abs() > APART;
    let at = event.at("occurred_at").filter(apart);
    at.map(|at| format!("{at:.0}")).unwrap_or_default()
}
