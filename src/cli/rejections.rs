//! `rejections`: counts of requests that were not stored, and their deliveries in quarantine.

use std::{collections::BTreeSet, process::ExitCode};

use clap::{Args, Subcommand};
use serde_json::Value;

use super::{
    api::{Fields, Origin, Request, Row},
    columns::{self, Column, cells},
    filters::{self, Received},
    output::{self, Form, Output},
    recheck,
};
use crate::{
    app,
    clock::Clock,
    config::{self, AppName, Sources},
    query::{ExplainedRejection, Owner},
};

/// Shows refused requests, and stores deliveries refused by mistake.
#[derive(Args, Debug)]
pub(super) struct Rejections {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    List(List),
    Recheck(recheck::Recheck),
}

/// Lists how many requests were not stored: by hour, app, reason and network, the newest last.
///
/// These are deliveries that were refused (400, 401, 408, 413) or could not be stored (503), and
/// requests whose path names no app (404), which have the app -. The table ends with the total of
/// each reason, of all rows that match, also those that --limit leaves out. Below stand the most likely
/// cause of the listed rejections and its remedy.
///
/// Example: hookshelf rejections list --since "1 day"
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
struct List {
    /// The configured app.
    #[arg(long)]
    app: Option<AppName>,
    #[command(flatten)]
    received: Received,
    /// Maximum number of rows.
    #[arg(long, default_value = filters::LIMIT, value_name = "COUNT",
          value_parser = filters::limit())]
    limit: u32,
    #[command(flatten)]
    form: Form,
    #[command(flatten)]
    origin: Origin,
}

impl Rejections {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<ExitCode> {
        match self.verb {
            Verb::List(list) => list.run(sources).await?,
            Verb::Recheck(recheck) => recheck.run(sources).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let request = Request::to("/v1/rejections").with_any("app", self.app);
        let request = self.received.of(request)?;
        let narrowed = request.is_narrowed();
        let api = self.origin.open(sources).await?;
        let answer = api.get(&request.with("limit", self.limit)).await?;
        let rows = answer.rows("rejections")?;
        let mut output = Output::new();
        let format = self.form.format();
        if let Some(format) = format {
            columns::lines(&mut output, format, &rows, &ExplainedRejection::default())?;
        } else {
            let rows: Vec<_> = rows.iter().map(Row::value).collect();
            let totals = answer.rows("totals")?;
            let totals = totals.iter().map(|total| cells(&TOTAL, &total.value()));
            let all = rows.iter().map(|row| cells(&COLUMNS, row)).chain(totals);
            let names = COLUMNS.map(|(name, _)| name);
            output.table(&names, 3, &all.collect::<Vec<_>>())?;
            print_remedies(&mut output, &rows)?;
        }
        output.finish()?;
        // A refused delivery is quarantined at once, and counted a moment later.
        let is_table_here = format.is_none() && api.is_local();
        if is_table_here && note_quarantined(sources)? && !narrowed {
            return Ok(());
        }
        Output::note_if_empty(rows.len(), output::List::Rejections, narrowed)
    }
}

const COLUMNS: [Column; 6] = [
    ("hour", |row| row.time("hour")),
    ("app", |row| row.text("app")),
    ("reason", |row| row.text("reason")),
    ("prefix", |row| row.text("prefix")),
    ("count", |row| row.text("count")),
    ("last_at", |row| row.time("last_at")),
];

/// The columns of the total of a reason.
const TOTAL: [Column; 6] = [
    ("hour", |_| "total".to_owned()),
    ("app", |_| String::new()),
    COLUMNS[2],
    ("prefix", |_| String::new()),
    COLUMNS[4],
    COLUMNS[5],
];

/// Prints each distinct cause with its remedy.
fn print_remedies(output: &mut Output, rows: &[Value]) -> anyhow::Result<()> {
    let mut shown = BTreeSet::new();
    for row in rows {
        let owner: Owner = serde_json::from_value(row["owner"].clone()).unwrap_or_default();
        let head = format!(
            "{} ({}, from {})",
            row.text("reason"),
            row.text("app"),
            owner.words()
        );
        let cause = row.text("cause");
        if shown.insert((head.clone(), cause.clone())) {
            output.line("")?;
            output.line(&output::plain(&head))?;
            output.paragraph("  cause   ", 10, &cause)?;
            output.paragraph("  remedy  ", 10, &row.text("remedy"))?;
        }
    }
    Ok(())
}

/// Prints the number and size of the deliveries in quarantine; false if there are none.
fn note_quarantined(sources: &Sources) -> anyhow::Result<bool> {
    let config = config::load(sources)?;
    let quarantine = app::rescue::quarantine(&config);
    // Who may not look there may know the counts all the same.
    let Ok(names) = quarantine.names(Clock::system().now()) else {
        return Ok(false);
    };
    if names.is_empty() {
        return Ok(false);
    }
    let bytes = quarantine.bytes(&names)?;
    let count = names.len();
    Output::note(&format!(
        "{count} refused deliveries are in quarantine ({bytes} bytes); `hookshelf rejections \
         recheck` verifies them again, `hookshelf rejections recheck --yes` stores those that pass"
    ))?;
    Ok(true)
}
