//! `consumers dead`: dead letters of a consumer.

use anyhow::Context;
use clap::{Args, Subcommand, builder::PossibleValuesParser};
use jiff::Timestamp;
use serde::Serialize;

use super::{
    super::{
        columns::{self, Column},
        filters,
        output::{self, Form, Output},
    },
    Session,
    discard::Discard,
    letters::{Which, letters},
};
use crate::{
    config::Sources,
    store::consumers::{self, DeadLetter, LetterState, Letters},
};

/// Shows dead letters: events that a consumer gave up. Retries or discards them.
#[derive(Args, Debug)]
pub(super) struct Dead {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    List(List),
    Show(Show),
    Retry(Retry),
    Discard(Discard),
}

/// Lists dead letters of a consumer, the newest last.
///
/// Example: hookshelf consumers dead list bot
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
struct List {
    /// Name of the consumer.
    name: String,
    /// State of the letters: dead, retried, settled (after a retry) or discarded; or all.
    #[arg(long, default_value = "dead",
          value_parser = PossibleValuesParser::new(states()))]
    state: String,
    /// Only letters before this position.
    #[arg(long, value_name = "POSITION", value_parser = filters::position())]
    before: Option<i64>,
    /// Maximum number of rows.
    #[arg(long, default_value = filters::LIMIT, value_name = "COUNT",
          value_parser = filters::limit())]
    limit: u32,
    #[command(flatten)]
    form: Form,
}

/// Shows a dead letter.
///
/// `hookshelf events show` shows its event.
///
/// Example: hookshelf consumers dead show bot 42
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
struct Show {
    /// Name of the consumer.
    name: String,
    /// Position of the event.
    #[arg(value_parser = filters::position())]
    position: i64,
    /// Print a JSON object.
    #[arg(long)]
    json: bool,
}

/// Marks dead letters for another hand-out of their events, after later events of their lanes.
///
/// Example: hookshelf consumers dead retry bot 42
/// Example: hookshelf consumers dead retry bot --all
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
struct Retry {
    #[command(flatten)]
    which: Which,
}

impl Dead {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        match self.verb {
            Verb::List(list) => list.run(sources).await,
            Verb::Show(show) => show.run(sources).await,
            Verb::Retry(retry) => retry.run(sources).await,
            Verb::Discard(discard) => discard.run(sources).await,
        }
    }
}

impl List {
    async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let mut session = Session::open(sources).await?;
        session.status(&self.name).await?;
        let page = Letters {
            state: LetterState::ALL
                .iter()
                .copied()
                .find(|it| it.as_str() == self.state),
            before: self.before,
            limit: self.limit,
        };
        let letters = consumers::dead_letters(&mut session.conn, &self.name, page).await?;
        let rows: Vec<_> = letters.into_iter().rev().map(Letter::from).collect();
        columns::print_typed(&self.form, &rows, (&COLUMNS, COLUMNS.len()))?;
        let narrowed = self.before.is_some() || self.state != "all";
        Output::note_if_empty(rows.len(), output::List::DeadLetters, narrowed)
    }
}

impl Show {
    async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let (name, position) = (&self.name, self.position);
        let mut session = Session::open(sources).await?;
        session.status(name).await?;
        let letter = consumers::dead_letter(&mut session.conn, name, position).await?;
        let letter = letter.with_context(|| {
            format!(
                "{name} has no dead letter at position {position}; `hookshelf consumers dead list \
                 {name}` shows those that are there"
            )
        })?;
        let (letter, mut output) = (Letter::from(letter), Output::new());
        if self.json {
            output.json(&letter)?;
        } else {
            output.fields(&letter)?;
        }
        output.finish()
    }
}

impl Retry {
    async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let mut session = Session::open(sources).await?;
        self.which.letters(&mut session).await?;
        let marked = self.which.mark(&mut session, true).await?;
        Output::say(&format!("{} marked for another hand-out", letters(marked)))
    }
}

fn states() -> impl Iterator<Item = &'static str> {
    let states = LetterState::ALL.iter().map(|state| state.as_str());
    states.chain(["all"])
}

/// A dead letter as printed.
#[derive(Default, Serialize)]
struct Letter {
    position: String,
    received_at: Timestamp,
    attempts: i32,
    first_at: Timestamp,
    last_at: Timestamp,
    reason: String,
    code: String,
    state: &'static str,
}

impl From<DeadLetter> for Letter {
    fn from(letter: DeadLetter) -> Self {
        Self {
            position: letter.position.to_string(),
            received_at: letter.received_at,
            attempts: letter.attempts,
            first_at: letter.first_at,
            last_at: letter.last_at,
            reason: letter.reason,
            code: letter.code,
            state: letter.state.as_str(),
        }
    }
}

const COLUMNS: [Column<Letter>; 7] = [
    ("position", |row| row.position.clone()),
    ("received_at", |row| format!("{:.0}", row.received_at)),
    ("attempts", |row| row.attempts.to_string()),
    ("last_at", |row| format!("{:.0}", row.last_at)),
    ("reason", |row| row.reason.clone()),
    ("code", |row| row.code.clone()),
    ("state", |row| row.state.to_owned()),
];
