//! `comments`: lists media with comments, and shows the threads on one.

use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::Value;

use super::{
    api::{Api, Fields, Origin, Request, Row},
    chat::Chat,
    columns::Column,
    filters,
    kept::{self, Kept, Shown},
    output::{self, Output},
};
use crate::{
    config::{AppName, Sources},
    query::MediaRow,
};

/// Shows comments on media of accounts.
#[derive(Args, Debug)]
pub(super) struct Comments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    List(Box<List>),
    Show(Show),
}

/// Lists media with comments, the newest comment first.
///
/// The server keeps the list while it runs. Comments on an ad belong to the ad's post. A comment is
/// unanswered if the account has not replied in its thread since.
///
/// Example: hookshelf comments list --unanswered
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
struct List {
    /// Only media with unanswered comments.
    #[arg(long)]
    unanswered: bool,
    #[command(flatten)]
    kept: Kept,
}

/// Shows the comments on a media in threads, the newest comment first.
///
/// The comments on the ads of a post are shown together with those on the post. Replies are
/// indented. Times are UTC.
///
/// Example: hookshelf comments show
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
struct Show {
    /// Id of the media, or of the media of an ad; without it, the media with the newest comment.
    media: Option<String>,
    /// The configured app.
    #[arg(long)]
    app: Option<AppName>,
    /// The professional account: its id, label or user name.
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// Maximum number of threads.
    #[arg(long, default_value = filters::LIMIT, value_name = "COUNT",
          value_parser = filters::limit())]
    limit: u32,
    /// Only threads without a comment at this position or later.
    #[arg(long, value_name = "POSITION", value_parser = filters::position(),
          allow_negative_numbers = true)]
    before: Option<i64>,
    /// Only the thread that begins with this comment.
    #[arg(long, value_name = "ID")]
    thread: Option<String>,
    /// Print a JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    origin: Origin,
}

impl Comments {
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
        let request = Request::to(LIST).with_any("unanswered", self.unanswered.then_some(true));
        let shown = Shown {
            name: "media",
            list: output::List::Media,
            columns: &COLUMNS,
        };
        let shape = MediaRow::default();
        self.kept.print(sources, request, &shape, shown).await
    }
}

const LIST: &str = "/v1/media";

const COLUMNS: [Column; 7] = [
    ("last_at", |row| row.time("last_at")),
    ("unanswered", |row| row.text("unanswered")),
    ("comments", |row| row.text("comments")),
    ("own_comments", |row| row.text("own_comments")),
    ("app", |row| row.text("app")),
    ("account_id", |row| row.text("account_id")),
    ("media_id", |row| row.text("media_id")),
];

impl Show {
    async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let api = self.origin.open(sources).await?;
        let found = match self.request(&api).await? {
            Some(request) => kept::read(&api, request, ("threads", "next"), self.limit).await?,
            None => None,
        };
        let mut comments = found.context(
            "no media with comments matches; `hookshelf comments list` shows those that are there, \
             and the server lists new ones within a second",
        )?;
        kept::give_place(&mut comments, "next", "before");
        if self.json {
            let mut output = Output::new();
            output.json(&comments)?;
            return output.finish();
        }
        print(&comments)
    }

    /// Request for the named media, or for the one with the newest comment that matches.
    async fn request(&self, api: &Api) -> anyhow::Result<Option<Request>> {
        let narrow = |request: Request| {
            let request = request.with_any("app", self.app.as_ref());
            request.with_any("account", self.account.as_ref())
        };
        let media = if let Some(media) = &self.media {
            media.clone()
        } else {
            let newest = api.get(&narrow(Request::to(LIST)).with("limit", 1)).await?;
            match newest.rows("media")?.first().map(Row::value) {
                Some(row) => row.text("media_id"),
                None => return Ok(None),
            }
        };
        let request = Request::to(LIST).below(&media).below("comments");
        let request = narrow(request).with_any("before", self.before);
        Ok(Some(request.with_any("thread", self.thread.as_ref())))
    }
}

fn print(comments: &Value) -> anyhow::Result<()> {
    let mut chat = Chat::new();
    chat.note(&format!(
        "{}, account {}, media {}",
        comments.text("app"),
        comments.text("account_id"),
        comments.text("media_id")
    ))?;
    for ad in comments.texts("ad_media_ids") {
        chat.note(&format!("with the comments on its ad {ad}"))?;
    }
    chat.note(&format!(
        "comments {}, own {}, unanswered {}",
        comments.text("comments"),
        comments.text("own_comments"),
        comments.text("unanswered")
    ))?;
    for thread in comments.list("threads") {
        chat.gap()?;
        chat.side(false);
        if thread["comment"].is_object() {
            print_comment(&mut chat, &thread["comment"])?;
        } else {
            chat.note("(the first comment of this thread is not stored)")?;
        }
        chat.side(true);
        let mut replies = thread.list("replies").iter();
        replies.try_for_each(|reply| print_comment(&mut chat, reply))?;
    }
    chat.finish()?;
    comments.some_text("next").map_or(Ok(()), |next| {
        Output::note(&format!("older threads: --before {next}"))
    })
}

fn print_comment(chat: &mut Chat, comment: &Value) -> anyhow::Result<()> {
    let author = match comment.some_text("username") {
        _ if comment.flag("is_self") => "account".to_owned(),
        Some(name) => format!("@{name}"),
        None => "person".to_owned(),
    };
    let unanswered = comment
        .flag("is_unanswered")
        .then(|| "unanswered".to_owned());
    let ad = comment.some_text("ad_id").map(|ad| format!("on ad {ad}"));
    let said = [Some(author), unanswered, ad, kept::late(comment)];
    let said: Vec<_> = said.into_iter().flatten().collect();
    chat.on_day(comment.at("at").unwrap_or_default(), &said.join(", "))?;
    if let Some(state) = state(comment) {
        chat.remark(&state)?;
    }
    if let Some(text) = comment.some_text("text") {
        chat.text(&text)?;
    }
    kept::former(chat, comment, "(no text)")
}

/// The reason why a comment shows no text.
fn state(comment: &Value) -> Option<String> {
    if let Some(at) = comment.at("removed_at") {
        return Some(format!("(removed {at:.0})"));
    }
    let empty = || comment["text"].is_null().then(|| "(no text)".to_owned());
    kept::hidden(comment).or_else(empty)
}
