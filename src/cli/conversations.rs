//! `conversations`: lists conversations, and shows one like a chat.

use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};

use super::{
    chat::Chat,
    columns::{self, Column},
    database,
    filters::{self, Received},
    gaps,
    output::{self, Form, Output},
    stats,
};
use crate::{
    config::{AppName, Sources},
    query::{
        Conversation, ConversationFilter, ConversationOrder, ConversationRow, Line, Part, Party,
        Place, Version,
    },
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
    /// The configured app.
    #[arg(long)]
    app: Option<AppName>,
    /// The professional account: entry.id.
    #[arg(long, value_name = "ID")]
    account: Option<String>,
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
    received: Received,
    /// Maximum number of conversations.
    #[arg(long, default_value = filters::LIMIT, value_name = "COUNT",
          value_parser = filters::limit())]
    limit: u32,
    /// Go on behind this place, which the list before named.
    #[arg(long, value_name = "PLACE")]
    after: Option<Place>,
    #[command(flatten)]
    form: Form,
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
        let [since, until] = self.received.resolve()?;
        let filter = ConversationFilter {
            app: self.app.as_ref().map(ToString::to_string),
            account_ids: self.account.into_iter().collect(),
            person_id: self.person,
            waiting: self.waiting,
            since,
            until,
        };
        let order = match self.order {
            Order::Newest => ConversationOrder::Newest,
            Order::LongestWaiting => ConversationOrder::LongestWaiting,
        };
        let mut session = database::open(sources).await?;
        let list = session.conversations(&filter, order, self.after, self.limit);
        let list = list.await.map_err(database::of_list)?;
        columns::print(&self.form, &list.rows, &COLUMNS, COLUMNS.len())?;
        if let Some(behind) = stats::behind(list.lag.as_ref()) {
            Output::note(&behind)?;
        }
        if let Some(next) = list.next {
            Output::note(&format!(
                "more conversations match; go on with --after {next}"
            ))?;
        }
        let narrowed = filter != ConversationFilter::default()
            || self.after.is_some()
            || order != ConversationOrder::Newest;
        Output::note_if_empty(list.rows.len(), output::List::Conversations, narrowed)
    }
}

const COLUMNS: [Column<ConversationRow>; 7] = [
    ("last_at", |row| format!("{:.0}", row.last_at)),
    ("waiting_since", |row| {
        let since = row.waiting_since.map(|since| format!("{since:.0}"));
        since.unwrap_or_default()
    }),
    ("received", |row| row.received.to_string()),
    ("sent", |row| row.sent.to_string()),
    ("app", |row| row.app.clone()),
    ("account_id", |row| row.account_id.clone()),
    ("person_id", |row| row.person_id.clone()),
];

impl Show {
    async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let mut session = database::open(sources).await?;
        let filter = ConversationFilter {
            app: self.app.as_ref().map(ToString::to_string),
            account_ids: self.account.clone().into_iter().collect(),
            person_id: self.person.clone(),
            ..ConversationFilter::default()
        };
        let part = Part {
            before: self.before,
            after: self.after,
            limit: self.limit,
        };
        let found = session.conversation(&filter, part).await?;
        let conversation = found.context(
            "no conversation matches; `hookshelf conversations list` shows those that are there, \
             and the server lists new ones within a second",
        )?;
        if self.json {
            let mut output = Output::new();
            output.json(&conversation)?;
            return output.finish();
        }
        print(&conversation)
    }
}

fn print(conversation: &Conversation) -> anyhow::Result<()> {
    let mut chat = Chat::new();
    head(&mut chat, conversation)?;
    let name = conversation.username.as_deref();
    let mut gaps = conversation.gaps.as_slice();
    for line in &conversation.lines {
        gaps::print_until(&mut chat, &mut gaps, Some(line.at))?;
        print_line(&mut chat, line, name)?;
    }
    gaps::print_until(&mut chat, &mut gaps, None)?;
    chat.finish()?;
    if let Some(previous) = conversation.previous {
        Output::note(&format!("older lines: --before {previous}"))?;
    }
    if let Some(next) = conversation.next {
        Output::note(&format!("newer lines: --after {next}"))?;
    }
    Ok(())
}

fn head(chat: &mut Chat, conversation: &Conversation) -> anyhow::Result<()> {
    let row = &conversation.row;
    let name = conversation.username.as_ref();
    let name = name.map_or_else(String::new, |name| format!(" (@{name})"));
    chat.note(&format!(
        "{}, account {}, person {}{name}",
        row.app, row.account_id, row.person_id
    ))?;
    let waiting = row
        .waiting_since
        .map(|since| format!(", waiting since {since:.0}"));
    chat.note(&format!(
        "received {}, sent {}{}",
        row.received,
        row.sent,
        waiting.unwrap_or_default()
    ))
}

fn print_line(chat: &mut Chat, line: &Line, name: Option<&str>) -> anyhow::Result<()> {
    let is_message = matches!(line.kind.as_str(), "message" | "postback");
    chat.day(line.at)?;
    if !is_message {
        let mut said = vec![line.kind.clone()];
        said.extend(line.text.clone());
        said.extend(details(line));
        said.extend(late(line));
        return chat.between(line.at, &said.join(", "));
    }
    chat.side(line.from == Some(Party::Account));
    let author = match line.from {
        Some(Party::Account) => "account".to_owned(),
        Some(Party::Person) => name.map_or_else(|| "person".to_owned(), |name| format!("@{name}")),
        None => "unknown".to_owned(),
    };
    let app = line.app_id.as_ref().map(|app| format!("by app {app}"));
    let seen = line.seen_at.map(|at| format!("seen {at:.0}"));
    let said = [Some(author), app, seen, late(line)].into_iter().flatten();
    chat.by(line.at, &said.collect::<Vec<_>>().join(", "))?;
    content(chat, line)
}

fn content(chat: &mut Chat, line: &Line) -> anyhow::Result<()> {
    if let Some(reply) = &line.reply_to {
        let answered = match (&reply.text, &reply.story_id) {
            (Some(text), _) => format!("> {text}"),
            (None, Some(story)) => format!("> story {story}"),
            _ if reply.is_unsent => "> an unsent message".to_owned(),
            _ => "> an earlier message".to_owned(),
        };
        chat.quote(&answered)?;
    }
    if let Some(state) = state(line) {
        chat.remark(&state)?;
    }
    if let Some(text) = &line.text {
        let tapped = if line.kind == "postback" {
            "tapped: "
        } else {
            ""
        };
        chat.text(&format!("{tapped}{text}"))?;
    }
    for attachment in &line.attachments {
        let parts = [&attachment.title, &attachment.url].into_iter().flatten();
        let parts: Vec<_> = parts.map(String::as_str).collect();
        chat.text(format!("[{}] {}", attachment.kind, parts.join(" ")).trim())?;
    }
    // The last version is the text above.
    let former = line.versions.len().saturating_sub(1);
    for version in &line.versions[..former] {
        chat.remark(&edited(version))?;
    }
    for reaction in &line.reactions {
        let emoji = reaction.emoji.as_deref().unwrap_or("reaction");
        let by = match reaction.by {
            Party::Account => "account",
            Party::Person => "person",
        };
        chat.remark(&format!("{emoji} by {by}"))?;
    }
    details(line).map_or(Ok(()), |details| chat.remark(&details))
}

/// The reason why a message shows no content, or not all of it.
fn state(line: &Line) -> Option<String> {
    if let Some(at) = line.unsent_at {
        return Some(format!("(unsent {at:.0})"));
    }
    if line.erased_at.is_some() {
        return Some("(erased)".to_owned());
    }
    if !line.masked.is_empty() {
        return Some(format!("(hidden: {})", line.masked.join(", ")));
    }
    if line.is_missing {
        return Some("(the message itself is not stored)".to_owned());
    }
    let is_empty = line.text.is_none() && line.attachments.is_empty();
    is_empty.then(|| "(no text)".to_owned())
}

fn edited(version: &Version) -> String {
    let text = version.text.as_deref().unwrap_or("(text not sent by Meta)");
    format!("edited; {:.0}: {text}", version.at)
}

fn late(line: &Line) -> Option<String> {
    line.is_late
        .then(|| format!("late: arrived {:.0}", line.received_at))
}

fn details(line: &Line) -> Option<String> {
    let pairs = line.details.iter();
    let pairs: Vec<_> = pairs
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    (!pairs.is_empty()).then(|| pairs.join(", "))
}
