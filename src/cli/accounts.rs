//! `accounts`: the accounts that deliveries came for, and when their last events came.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{
    columns::{self, Column},
    database, filters,
    output::{self, Form, Output},
    stats,
};
use crate::{
    clock::Clock,
    config::{AppName, Sources},
    meta::json,
    query::{AccountFilter, AccountRow, Moment},
};

/// Shows the accounts that deliveries came for.
#[derive(Args, Debug)]
pub(super) struct Accounts {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    List(List),
}

/// Lists accounts with the time of their last event, the newest last.
///
/// `last_event_at` is when the last event was received; `last_by_kind` says the hour (UTC) in which
/// the last event of each kind was received. With --silent it lists the accounts that have received no
/// event since then, also those that never received one.
///
/// Example: hookshelf accounts list --silent 3h
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
struct List {
    /// The configured app.
    #[arg(long)]
    app: Option<AppName>,
    /// Only accounts without an event for so long, such as 3h, or since a moment, such as today.
    #[arg(long, value_name = "SPAN", allow_hyphen_values = true)]
    silent: Option<Moment>,
    /// Limit of rows.
    #[arg(long, default_value = "1000", value_name = "COUNT",
          value_parser = filters::limit())]
    limit: u32,
    #[command(flatten)]
    form: Form,
}

impl Accounts {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<ExitCode> {
        let Verb::List(list) = self.verb;
        list.run(sources).await?;
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let now = Clock::system().now();
        let silent_since = self.silent.map(|silent| silent.resolve(now)).transpose()?;
        let app = self.app.as_ref().map(ToString::to_string);
        let filter = AccountFilter {
            app,
            silent_since,
            ..AccountFilter::default()
        };
        let mut session = database::open(sources).await?;
        let accounts = session.accounts(&filter, self.limit).await?;
        columns::print(&self.form, &accounts.rows, &COLUMNS, COLUMNS.len() - 1)?;
        if let Some(behind) = stats::behind(accounts.lag.as_ref()) {
            Output::note(&behind)?;
        }
        if accounts.more {
            Output::note(&format!(
                "more accounts match than --limit {} shows: those with the newest events are \
                 shown; raise --limit, or narrow with --app or --silent",
                self.limit
            ))?;
        }
        let narrowed = filter != AccountFilter::default();
        Output::note_if_empty(accounts.rows.len(), output::List::Accounts, narrowed)
    }
}

const COLUMNS: [Column<AccountRow>; 6] = [
    ("app", |row| row.app.clone()),
    ("account_id", |row| row.account_id.clone()),
    ("username", |row| row.username.clone().unwrap_or_default()),
    ("first_seen", |row| format!("{:.0}", row.first_seen)),
    ("last_event_at", |row| {
        let at = row.last_event_at.map(|at| format!("{at:.0}"));
        at.unwrap_or_else(|| "never".to_owned())
    }),
    ("last_by_kind", by_kind),
];

/// The kinds by the hour of their last event, the newest first: `2026-11-29T03h message, seen`.
fn by_kind(row: &AccountRow) -> String {
    let last = row.last_by_kind.as_ref().map_or("{}", |last| last.get());
    let pairs = json::pairs(last).unwrap_or_default();
    let mut hours: Vec<(String, Vec<String>)> = Vec::new();
    for (kind, hour) in pairs {
        // To the hour: minutes and seconds are zero.
        let hour = json::string(hour).unwrap_or_default();
        let hour = hour.replace(":00:00Z", "h");
        match hours.last_mut() {
            Some((last, kinds)) if *last == hour => kinds.push(kind.into_owned()),
            _ => hours.push((hour, vec![kind.into_owned()])),
        }
    }
    let said = hours.iter();
    let said = said.map(|(hour, kinds)| format!("{hour} {}", kinds.join(", ")));
    said.collect::<Vec<_>>().join("; ")
}
