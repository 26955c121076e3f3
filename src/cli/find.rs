//! `find`: what an id means.

use std::process::ExitCode;

use clap::Args;

use super::{
    api::{Fields, Origin, Request},
    columns::{self, Column},
    output::{Form, List, Output},
};
use crate::{config::Sources, query::Target};

/// Says what an id means, and the position of its newest event.
///
/// It takes a position, delivery, message, comment, media, person, account, label, or a user name of
/// the last 7 days.
///
/// Example: hookshelf find 42
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct Find {
    /// The id, label or user name.
    #[arg(allow_negative_numbers = true)]
    id: String,
    #[command(flatten)]
    form: Form,
    #[command(flatten)]
    origin: Origin,
}

impl Find {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<ExitCode> {
        let api = self.origin.open(sources).await?;
        let answer = api
            .get(&Request::to("/v1/find").with("id", &self.id))
            .await?;
        let rows = answer.rows("targets")?;
        let shape = Target {
            kind: "",
            id: String::new(),
            position: Some(0),
        };
        columns::print(&self.form, &rows, &shape, (&COLUMNS, 3))?;
        Output::note_if_empty(rows.len(), List::Targets, true)?;
        Ok(ExitCode::SUCCESS)
    }
}

const COLUMNS: [Column; 3] = [
    ("type", |row| row.text("type")),
    ("position", |row| row.text("position")),
    ("id", |row| row.text("id")),
];
