//! `conversations`: lists conversations, and shows one like a chat.

use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;

use super::{
    api::{Api, Fields, Origin, Request, Row},
    chat::Chat,
    columns::Column,
    filters, gaps,
    kept::{self, Kept, Shown},
    output::{self, Output},
};
use crate::{
    config::{AppName, Sources},
    query::{ConversationOrder, ConversationRow, GapRow, Place},
};

/// Shows conversations of accounts with people.
#[derive(Args, Debug)]
pub(super) struct Conversations {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    List(Box<List>),
    Show(Show),
}

/// Lists conversations, the newest first.
///
/// The server keeps the list while it runs. `waiting_since` is the time of the first message that
/// the account has not answered; unsent messages do not wait.
///
/// Example: hookshelf conversations list --waiting --order longest-waiting
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
struct List {
    /// The other party: an IGSID.
    #[arg(long, value_name = "IGSID")]
    person: Option<String>,
    /// Only conversations without an answer by the account.
    #[arg(long)]
    waiting: bool,
    /// Order of the list; longest-waiting lists only conversations without an answer.
    #[arg(long, value_enum, default_value = "newest")]
    order: Order,
    #[command(flatten)]
    kept: Kept,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Order {
    Newest,
    LongestWaiting,
}

/// Shows a conversation like a chat, in the order in which it happened.
///
/// Messages of the account are indented. A message shows its present text with its edits, its
/// present reactions, and the message that it answers; an unsent message shows no content. Other
/// events, such as handovers, and gaps in the deliveries are lines between the messages. Times are
/// UTC.
///
/// Example: hookshelf conversations show
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
struct Show {
    /// The professional account; without it, the newest conversation of all accounts.
    account: Option<String>,
    /// The other party: an IGSID; without it, the newest conversation of the account.
    person: Option<String>,
    /// The configured app.
    #[arg(long)]
    app: Option<AppName>,
    /// Maximum number of lines.
    #[arg(long, default_value = filters::LIMIT, value_name = "COUNT",
          value_parser = filters::limit())]
    limit: u32,
    /// Only lines before this place, which the conversation named.
    #[arg(long, value_name = "PLACE", conflicts_with = "after")]
    before: Option<Place>,
    /// Only lines after this place.
    #[arg(long, value_name = "PLACE")]
    after: Option<Place>,
    /// Print a JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    origin: Origin,
}

impl Conversations {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<ExitCode> {
        match self.verb {
            Verb::List(list) => list.run(sources).await?,
            Verb::Show(show) => show.run(sources).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let order = match self.order {
            Order::Newest => None,
            Order::LongestWaiting => Some(ConversationOrder::LongestWaiting.as_str()),
        };
        let request = Request::to(LIST)
            .with_any("person", self.person)
            .with_any("waiting", self.waiting.then_some(true))
            .with_any("order", order);
        let shown = Shown {
            name: "conversations",
            list: output::List::Conversations,
            columns: &COLUMNS,
        };
        let shape = ConversationRow::default();
        self.kept.print(sources, request, &shape, shown).await
    }
}

const LIST: &str = "/v1/conversations";

const COLUMNS: [Column; 7] = [
    ("last_at", |row| row.time("last_at")),
    ("waiting_since", |row| row.time("waiting_since")),
    ("received", |row| row.text("received")),
    ("sent", |row| row.text("sent")),
    ("app", |row| row.text("app")),
    ("account_id", |row| row.text("account_id")),
    ("person_id", |row| row.text("person_id")),
];

impl Show {
    async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let api = self.origin.open(sources).await?;
        let found = match self.request(&api).await? {
            Some(request) => {
                let turn = if self.after.is_some() {
                    "next"
                } else {
                    "previous"
                };
                kept::read(&api, request, ("lines", turn), self.limit).await?
            }
            None => None,
        };
        let mut conversation = found.context(
            "no conversation matches; `hookshelf conversations list` shows those that are there, \
             and the server lists new ones within a second",
        )?;
        kept::give_place(&mut conversation, "previous", "before");
        kept::give_place(&mut conversation, "next", "after");
        if self.json {
            let mut output = Output::new();
            output.json(&conversation)?;
            return output.finish();
        }
        print(&conversation)
    }

    /// Request for the conversation: the named one, or the newest that matches.
    async fn request(&self, api: &Api) -> anyhow::Result<Option<Request>> {
        let mut app = self.app.as_ref().map(ToString::to_string);
        let (account, person) = match (&self.account, &self.person) {
            (Some(account), Some(person)) => (account.clone(), person.clone()),
            (account, _) => {
                let request = Request::to(LIST)
                    .with_any("app", app)
                    .with_any("account", account.as_ref());
                let newest = api.get(&request.with("limit", 1)).await?;
                let Some(row) = newest.rows("conversations")?.first().map(Row::value) else {
                    return Ok(None);
                };
                app = Some(row.text("app"));
                (row.text("account_id"), row.text("person_id"))
            }
        };
        let request = Request::to(LIST).below(&account).below(&person);
        Ok(Some(
            request
                .with_any("app", app)
                .with_any("before", self.before)
                .with_any("after", self.after),
        ))
    }
}

fn print(conversation: &Value) -> anyhow::Result<()> {
    let mut chat = Chat::new();
    head(&mut chat, conversation)?;
    let name = conversation.some_text("username");
    let gaps: Vec<GapRow> = serde_json::from_value(conversation["gaps"].clone())?;
    let mut gaps = gaps.as_slice();
    for line in conversation.list("lines") {
        gaps::print_until(&mut chat, &mut gaps, line.at("at"))?;
        print_line(&mut chat, line, name.as_deref())?;
    }
    gaps::print_until(&mut chat, &mut gaps, None)?;
    gaps::print_until(&mut chat, &mut gaps, None)?;
    chat.finish()?;
    if let Some(previous) = conversation.some_text("previous") {
        Output::note(&format!("older lines: --before {previous}"))?;
    }
    if let Some(next) = conversation.some_text("next") {
        Output::note(&format!("newer lines: --after {next}"))?;
    }
    Ok(())
}

fn head(chat: &mut Chat, row: &Value) -> anyhow::Result<()> {
    let name = row.some_text("username");
    let name = name.map_or_else(String::new, |name| format!(" (@{name})"));
    chat.note(&format!(
        "{}, account {}, person {}{name}",
        row.text("app"),
        row.text("account_id"),
        row.text("person_id")
    ))?;
    let waiting = row.at("waiting_since");
    let waiting = waiting.map(|since| format!(", waiting since {since:.0}"));
    chat.note(&format!(
        "received {}, sent {}{}",
        row.text("received"),
        row.text("sent"),
        waiting.unwrap_or_default()
    ))
}

fn print_line(chat: &mut Chat, line: &Value, name: Option<&str>) -> anyhow::Result<()> {
    let (kind, at) = (line.text("kind"), line.at("at").unwrap_or_default());
    let is_message = matches!(kind.as_str(), "message" | "postback");
    chat.day(at)?;
    if !is_message {
        let said = [
            Some(kind),
            line.some_text("text"),
            details(line),
            kept::late(line),
        ];
        let said: Vec<_> = said.into_iter().flatten().collect();
        return chat.between(at, &said.join(", "));
    }
    let from = line.text("from");
    chat.side(from == "account");
    let author = match from.as_str() {
        "" => "unknown".to_owned(),
        "person" => name.map_or(from, |name| format!("@{name}")),
        _ => from,
    };
    let app = line.some_text("app_id").map(|app| format!("by app {app}"));
    let seen = line.at("seen_at").map(|at| format!("seen {at:.0}"));
    let said = [Some(author), app, seen, kept::late(line)]
        .into_iter()
        .flatten();
    chat.by(at, &said.collect::<Vec<_>>().join(", "))?;
    content(chat, line)
}

fn content(chat: &mut Chat, line: &Value) -> anyhow::Result<()> {
    if line["reply_to"].is_object() {
        chat.quote(&answered(&line["reply_to"]))?;
    }
    if let Some(state) = state(line) {
        chat.remark(&state)?;
    }
    if let Some(text) = line.some_text("text") {
        let tapped = if line["kind"] == "postback" {
            "tapped: "
        } else {
            ""
        };
        chat.text(&format!("{tapped}{text}"))?;
    }
    for attachment in line.list("attachments") {
        let parts = ["title", "url"].map(|part| attachment.some_text(part));
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        chat.text(format!("[{}] {}", attachment.text("type"), parts.join(" ")).trim())?;
    }
    kept::former(chat, line, "(text not sent by Meta)")?;
    for reaction in line.list("reactions") {
        let emoji = reaction.some_text("emoji");
        let emoji = emoji.as_deref().unwrap_or("reaction");
        chat.remark(&format!("{emoji} by {}", reaction.text("by")))?;
    }
    details(line).map_or(Ok(()), |details| chat.remark(&details))
}

/// The answered message or story.
fn answered(reply: &Value) -> String {
    match (reply.some_text("text"), reply.some_text("story_id")) {
        (Some(text), _) => format!("> {text}"),
        (None, Some(story)) => format!("> story {story}"),
        _ if reply.flag("is_unsent") => "> an unsent message".to_owned(),
        _ => "> an earlier message".to_owned(),
    }
}

/// The reason why a message shows no content, or not all of it.
fn state(line: &Value) -> Option<String> {
    if let Some(at) = line.at("unsent_at") {
        return Some(format!("(unsent {at:.0})"));
    }
    kept::hidden(line).or_else(|| {
        let is_empty = line["text"].is_null() && line.list("attachments").is_empty();
        let missing = "(the message itself is not stored)";
        let words = if line.flag("is_missing") {
            Some(missing)
        } else {
            is_empty.then_some("(no text)")
        };
        words.map(str::to_owned)
    })
}

fn details(line: &Value) -> Option<String> {
    let pairs = line["details"].as_object()?.iter();
    let pairs: Vec<_> = pairs
        .map(|(name, value)| format!("{name} {}", value.as_str().unwrap_or_default()))
        .collect();
    (!pairs.is_empty()).then(|| pairs.join(", "))
}
