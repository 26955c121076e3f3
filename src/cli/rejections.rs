//! `rejections`: counts of requests that were not stored, and their deliveries in quarantine.

use std::{collections::BTreeSet, process::ExitCode};

use clap::{Args, Subcommand};

use super::{
    database,
    filters::{self, Received},
    output::{self, Form, Output},
    recheck,
};
use crate::{
    app,
    clock::Clock,
    config::{self, AppName, Sources, credentials},
    query::{ExplainedRejection, RejectionFilter, RejectionRow, RejectionTotal, Session},
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
        let rows = explain(&mut session, rows, sources).await?;
        let count = rows.len();
        let mut output = Output::new();
        let format = self.form.format();
        if let Some(format) = format {
            output.rows(format, &ExplainedRejection::default(), rows)?;
        } else {
            let totals = session.rejection_totals(&filter).await;
            let totals = totals.map_err(database::of_list)?;
            let names = ["hour", "app", "reason", "prefix", "count", "last_at"];
            let cells = rows.iter().map(cells);
            let cells: Vec<_> = cells.chain(totals.into_iter().map(total)).collect();
            output.table(&names, 3, &cells)?;
            print_remedies(&mut output, &rows)?;
        }
        output.finish()?;
        // A refused delivery is quarantined at once, and counted a moment later.
        if format.is_none() && note_quarantined(sources)? && !narrowed {
            return Ok(());
        }
        Output::note_if_empty(count, output::List::Rejections, narrowed)
    }
}

/// Explains the rows with the apps of the configuration, or of the first start. Without the right to
/// read their secrets, the explanations name no secret.
async fn explain(
    session: &mut Session,
    rows: Vec<RejectionRow>,
    sources: &Sources,
) -> anyhow::Result<Vec<ExplainedRejection>> {
    let config = config::load(sources)?;
    let generated = if config.apps.is_empty() {
        credentials::load(&config.data_dir).ok().flatten()
    } else {
        None
    };
    let apps = config
        .apps
        .values()
        .chain(generated.iter().map(|it| &it.app));
    let mut remedies = session.remedies(apps).await?;
    // Who may not look there may know the counts all the same.
    if let Ok(names) = app::rescue::quarantine(&config).names(Clock::system().now()) {
        remedies = remedies.with_quarantine(&names);
    }
    Ok(rows.into_iter().map(|row| remedies.explain(row)).collect())
}

/// Prints each distinct cause with its remedy.
fn print_remedies(output: &mut Output, rows: &[ExplainedRejection]) -> anyhow::Result<()> {
    let mut shown = BTreeSet::new();
    for row in rows {
        let ExplainedRejection { columns, owner, .. } = row;
        let head = format!(
            "{} ({}, from {})",
            columns.reason,
            columns.app,
            owner.words()
        );
        if shown.insert((head.clone(), &row.cause)) {
            output.line("")?;
            output.line(&head)?;
            output.paragraph("  cause   ", 10, &row.cause)?;
            output.paragraph("  remedy  ", 10, &row.remedy)?;
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

/// The words of a row of the table.
fn cells(rejection: &ExplainedRejection) -> Vec<String> {
    let rejection = &rejection.columns;
    vec![
        format!("{:.0}", rejection.hour),
        rejection.app.clone(),
        rejection.reason.clone(),
        rejection.prefix.clone(),
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
