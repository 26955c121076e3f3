//! `audit`: who read what over HTTP, and who changed consumers.

use std::{fs::File, process::ExitCode};

use anyhow::Context;
use clap::{Args, Subcommand};

use super::{
    api::{Fields, Origin, Request, Row},
    columns::{self, Column},
    filters::{self, Received},
    output::{self, Form, Output},
};
use crate::{
    config::{self, Sources},
    query::AuditRow,
};

/// Shows who read content over HTTP.
#[derive(Args, Debug)]
pub(super) struct Audit {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    List(List),
}

/// Lists opened content, searches, exports, failed logins and changes of consumers, the newest last.
///
/// Persons and accounts are stored as a keyed hash: --subject finds them on the machine of the
/// server, as its user, or over --url.
///
/// Example: hookshelf audit list --since 7d
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
struct List {
    /// A position, delivery, person, account, media or consumer.
    #[arg(long, value_name = "ID")]
    subject: Option<String>,
    /// Name of the token that was used.
    #[arg(long, value_name = "NAME")]
    token: Option<String>,
    #[command(flatten)]
    received: Received,
    /// Maximum number of entries.
    #[arg(long, default_value = filters::LIMIT, value_name = "COUNT",
          value_parser = filters::whole(1..=1000_u32))]
    limit: u32,
    #[command(flatten)]
    form: Form,
    #[command(flatten)]
    origin: Origin,
}

impl Audit {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<ExitCode> {
        let Verb::List(list) = self.verb;
        list.run(sources).await?;
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let request = Request::to("/v1/audit")
            .with_any("subject", self.subject)
            .with_any("token", self.token);
        let request = self.received.of(request)?;
        let narrowed = request.is_narrowed();
        let api = self.origin.open(sources).await?;
        if api.is_local() && request.get("subject").is_some() {
            require_key(sources)?;
        }
        let answer = api.get(&request.with("limit", self.limit)).await?;
        let rows: Vec<Row> = answer.rows("audit")?.into_iter().rev().collect();
        columns::print(&self.form, &rows, &AuditRow::default(), (&COLUMNS, 5))?;
        Output::note_if_empty(rows.len(), output::List::Audit, narrowed)
    }
}

/// Requires the key of the hashes, which only the user of the server may read.
fn require_key(sources: &Sources) -> anyhow::Result<()> {
    let path = config::load(sources)?.data_dir.join("audit.key");
    File::open(&path).map(drop).with_context(|| {
        let path = path.display();
        format!("--subject needs {path}: run this as the user of the server, or with --url")
    })
}

const COLUMNS: [Column; 6] = [
    ("at", |row| row.time("at")),
    ("token", |row| row.text("token")),
    ("address", |row| row.text("address")),
    ("verb", |row| row.text("verb")),
    ("subject", |row| row.text("subject")),
    ("rows", |row| row.text("rows")),
];
