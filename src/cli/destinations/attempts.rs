//! `destinations attempts`.

use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::super::{
    columns::{self, Column},
    database,
    filters::{self, Received},
    output::{self, Form, Output},
};
use crate::{
    config::Sources,
    store::{
        self,
        attempts::{self, AttemptFilter, StoredAttempt},
    },
};

/// Deadline for connecting.
const DEADLINE: Duration = Duration::from_secs(10);

/// Lists attempts to send to a destination, the newest last. They are kept for a week.
///
/// Only failed attempts are stored, unless the destination has `attempts = "all"`. `hookshelf events
/// show` shows the event of a position.
///
/// Example: hookshelf destinations attempts chatwoot --since 1h
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct Attempts {
    /// Name of the destination.
    name: String,
    /// Only attempts at this event.
    #[arg(long, value_name = "POSITION", value_parser = filters::position())]
    position: Option<i64>,
    #[command(flatten)]
    received: Received,
    /// Maximum number of rows.
    #[arg(long, default_value = filters::LIMIT, value_name = "COUNT",
          value_parser = filters::limit())]
    limit: u32,
    #[command(flatten)]
    form: Form,
}

impl Attempts {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let [since, until] = self.received.resolve()?;
        let narrowed = self.received.is_set() || self.position.is_some();
        let filter = AttemptFilter {
            destination: self.name,
            position: self.position,
            since,
            until,
        };
        let rows = newest(sources, &filter, self.limit).await?;
        columns::print_typed(&self.form, &rows, (&COLUMNS, COLUMNS.len()))?;
        Output::note_if_empty(rows.len(), output::List::Attempts, narrowed)
    }
}

/// Reads the newest attempts, the newest last.
pub(super) async fn newest(
    sources: &Sources,
    filter: &AttemptFilter,
    limit: u32,
) -> anyhow::Result<Vec<AttemptRow>> {
    let options = database::options(sources).await?;
    let mut conn = store::connect(&options, DEADLINE).await?;
    let found = attempts::newest(&mut conn, filter, limit).await?;
    Ok(found.into_iter().rev().map(AttemptRow::from).collect())
}

/// Prints attempts as a table.
pub(super) fn table(output: &mut Output, rows: &[AttemptRow]) -> anyhow::Result<()> {
    columns::table(output, (&COLUMNS, COLUMNS.len()), rows)
}

/// An attempt as printed.
#[derive(Debug, Default, Serialize)]
pub(super) struct AttemptRow {
    at: Timestamp,
    destination: String,
    position: String,
    received_at: Timestamp,
    attempt: i32,
    outcome: String,
    status: Option<i16>,
    millis: i32,
}

impl From<StoredAttempt> for AttemptRow {
    fn from(stored: StoredAttempt) -> Self {
        Self {
            at: stored.at,
            destination: stored.destination,
            position: stored.position.to_string(),
            received_at: stored.received_at,
            attempt: stored.attempt,
            outcome: stored.outcome,
            status: stored.status,
            millis: stored.millis,
        }
    }
}

const COLUMNS: [Column<AttemptRow>; 6] = [
    ("at", |row| format!("{:.0}", row.at)),
    ("position", |row| row.position.clone()),
    ("attempt", |row| row.attempt.to_string()),
    ("outcome", |row| row.outcome.clone()),
    ("status", |row| {
        row.status.map(|it| it.to_string()).unwrap_or_default()
    }),
    ("ms", |row| row.millis.to_string()),
];
