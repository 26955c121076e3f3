//! `accounts`: the accounts that deliveries came for, and when their last events came.

use std::{cmp::Reverse, collections::BTreeMap, process::ExitCode};

use anyhow::Context;
use bytes::Bytes;
use clap::{Args, Subcommand};
use hyper::Method;
use serde_json::{Map, Value};

use super::{
    api::{Answer, Fields, Origin, Request},
    columns::{self, Column},
    filters,
    output::{self, Form, Output},
    stats,
};
use crate::{
    clock::Clock,
    config::{AppName, Sources},
    query::{AccountRow, Moment},
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
    Show(Show),
    Label(Naming),
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
    /// Client of the account.
    #[arg(long, value_name = "NAME")]
    client: Option<String>,
    /// Only accounts without an event for so long, such as 3h, or since a moment, such as today.
    #[arg(long, value_name = "SPAN", allow_hyphen_values = true)]
    silent: Option<Moment>,
    /// Limit of rows.
    #[arg(long, default_value = "1000", value_name = "COUNT",
          value_parser = filters::limit())]
    limit: u32,
    #[command(flatten)]
    form: Form,
    #[command(flatten)]
    origin: Origin,
}

/// Shows an account with its label, its client, and its last events.
///
/// Example: hookshelf accounts show 17841460310258847
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
struct Show {
    /// Its id, label or user name.
    account: String,
    /// Print a JSON object for each app of the account.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    origin: Origin,
}

/// Sets the label and the client of an account, in all of its apps.
///
/// An empty text removes a label. `clients` of a token decides whose accounts the token sees.
///
/// Example: hookshelf accounts label 17841460310258847 --label "Corner shop" --client bakery
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
struct Naming {
    /// Its id, label or user name.
    account: String,
    /// Name for people.
    #[arg(long, value_name = "TEXT", required_unless_present = "client")]
    label: Option<String>,
    /// Owner of the account.
    #[arg(long, value_name = "NAME")]
    client: Option<String>,
    /// Print a JSON object for each app of the account.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    origin: Origin,
}

impl Accounts {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<ExitCode> {
        match self.verb {
            Verb::List(list) => list.run(sources).await?,
            Verb::Show(show) => show.run(sources).await?,
            Verb::Label(label) => label.run(sources).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let now = Clock::system().now();
        let silent = self.silent.map(|silent| silent.resolve(now)).transpose()?;
        let request = Request::to(LIST)
            .with_any("app", self.app)
            .with_any("client", self.client)
            .with_any("silent_since", silent);
        let narrowed = request.is_narrowed();
        let api = self.origin.open(sources).await?;
        let answer = api.get(&request.with("limit", self.limit)).await?;
        let rows = answer.rows("accounts")?;
        let shape = AccountRow::default();
        columns::print(&self.form, &rows, &shape, (&COLUMNS, COLUMNS.len() - 1))?;
        if let Some(behind) = stats::behind(&answer) {
            Output::note(&behind)?;
        }
        if answer.value("more") == true {
            Output::note(&format!(
                "more accounts match than --limit {} shows: those with the newest events are \
                 shown; raise --limit, or narrow with --app or --silent",
                self.limit
            ))?;
        }
        Output::note_if_empty(rows.len(), output::List::Accounts, narrowed)
    }
}

impl Show {
    async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let api = self.origin.open(sources).await?;
        let found = api.find(&Request::to(LIST).below(&self.account)).await?;
        print(found.as_ref(), &self.account, self.json)
    }
}

impl Naming {
    async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let api = self.origin.open(sources).await?;
        let labels = [("label", self.label), ("client", self.client)];
        let labels: Map<_, _> = labels
            .into_iter()
            .filter_map(|(name, text)| {
                let text = text?;
                // Null removes a label.
                let text = if text.is_empty() {
                    Value::Null
                } else {
                    text.into()
                };
                Some((name.to_owned(), text))
            })
            .collect();
        let body = Bytes::from(serde_json::to_vec(&labels)?);
        let request = Request::to(LIST).below(&self.account);
        let set = api.exchange(Method::PATCH, &request, body).await?;
        print(set.as_ref(), &self.account, self.json)
    }
}

const LIST: &str = "/v1/accounts";

/// Prints an account, once for each of its apps.
fn print(found: Option<&Answer>, account: &str, json: bool) -> anyhow::Result<()> {
    let found = found.with_context(|| {
        format!(
            "no account, or several accounts, have the id, label or user name {account}; \
             `hookshelf accounts list` shows those that are there"
        )
    })?;
    let mut output = Output::new();
    for (number, row) in found.rows("accounts")?.iter().enumerate() {
        let row = row.arranged(&AccountRow::default())?;
        if json {
            output.json(&row)?;
            continue;
        }
        if number > 0 {
            output.line("")?;
        }
        output.fields(&row)?;
    }
    output.finish()
}

const COLUMNS: [Column; 6] = [
    ("app", |row| row.text("app")),
    ("account_id", |row| row.text("account_id")),
    ("username", |row| row.text("username")),
    ("first_seen", |row| row.time("first_seen")),
    ("last_event_at", |row| {
        let at = row.at("last_event_at").map(|at| format!("{at:.0}"));
        at.unwrap_or_else(|| "never".to_owned())
    }),
    ("last_by_kind", by_kind),
];

/// The kinds by the hour of their last event, the newest first: `2026-11-29T03h message, seen`.
fn by_kind(row: &Value) -> String {
    let kinds = row["last_by_kind"].as_object();
    let mut hours: BTreeMap<Reverse<String>, Vec<&str>> = BTreeMap::new();
    for (kind, hour) in kinds.into_iter().flatten() {
        // To the hour: minutes and seconds are zero.
        let hour = hour.as_str().unwrap_or_default().replace(":00:00Z", "h");
        hours.entry(Reverse(hour)).or_default().push(kind);
    }
    let said = hours.iter();
    let said = said.map(|(Reverse(hour), kinds)| format!("{hour} {}", kinds.join(", ")));
    said.collect::<Vec<_>>().join("; ")
}
