//! `rejections`: counts of requests that were not stored, and their deliveries in quarantine.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{
    database,
    filters::{self, Received},
    output::{self, Form, Output},
    recheck,
};
use crate::{
    clock::Clock,
    config::{self, AppName, Sources},
    query::{RejectionFilter, RejectionRow, RejectionTotal},
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
/// each reason, of all rows that match, also those that --limit leaves out.
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
        let [since, until] = self.received.resolve()?;
        let app = self.app.as_ref().map(ToString::to_string);
        let filter = RejectionFilter { app, since, until };
        let narrowed = filter != RejectionFilter::default();
        let mut session = database::open(sources).await?;
        let rows = session.rejections(&filter, self.limit).await;
        let rows = rows.map_err(database::of_list)?;
        let count = rows.len();
        let mut output = Output::new();
        let format = self.form.format();
        if let Some(format) = format {
            output.rows(format, &RejectionRow::default(), rows)?;
        } else {
            let totals = session.rejection_totals(&filter).await;
            let totals = totals.map_err(database::of_list)?;
            let names = ["hour", "app", "reason", "prefix", "count", "last_at"];
            let rows = rows.into_iter().map(cells);
            let rows: Vec<_> = rows.chain(totals.into_iter().map(total)).collect();
            output.table(&names, 3, &rows)?;
        }
        output.finish()?;
        // A refused delivery is quarantined at once, and counted a moment later.
        if format.is_none() && note_quarantined(sources)? && !narrowed {
            return Ok(());
        }
        Output::note_if_empty(count, output::List::Rejections, narrowed)
    }
}

/// Prints the number and size of the deliveries in quarantine; false if there are none.
fn note_quarantined(sources: &Sources) -> anyhow::Result<bool> {
    let config = config::load(sources)?;
    let quarantine = recheck::quarantine(&config);
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

/// The words of a row of the table.
fn cells(rejection: RejectionRow) -> Vec<String> {
    vec![
        format!("{:.0}", rejection.hour),
        rejection.app,
        rejection.reason,
        rejection.prefix,
        rejection.count.to_string(),
        format!("{:.0}", rejection.last_at),
    ]
}

/// The words of the total of a reason.
fn total(total: RejectionTotal) -> Vec<String> {
    vec![
        "total".to_owned(),
        String::new(),
        total.reason,
        String::new(),
        total.count.to_string(),
        format!("{:.0}", total.last_at),
    ]
}
