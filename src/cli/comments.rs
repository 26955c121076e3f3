//! `comments`: lists media with comments, and shows the threads on one.

use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};

use super::{
    chat::Chat,
    columns::{self, Column},
    database,
    filters::{self, Received},
    output::{self, Form, Output},
    stats,
};
use crate::{
    config::{AppName, Sources},
    query::{Comment, MediaComments, MediaFilter, MediaRow, Place},
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
    /// The configured app.
    #[arg(long)]
    app: Option<AppName>,
    /// The professional account: entry.id.
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// Only media with unanswered comments.
    #[arg(long)]
    unanswered: bool,
    #[command(flatten)]
    received: Received,
    /// Maximum number of media.
    #[arg(long, default_value = filters::LIMIT, value_name = "COUNT",
          value_parser = filters::limit())]
    limit: u32,
    /// Go on behind this place, which the list before named.
    #[arg(long, value_name = "PLACE")]
    after: Option<Place>,
    #[command(flatten)]
    form: Form,
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
    /// The professional account: entry.id.
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
    /// Print a JSON object.
    #[arg(long)]
    json: bool,
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
        let [since, until] = self.received.resolve()?;
        let filter = MediaFilter {
            app: self.app.as_ref().map(ToString::to_string),
            account_ids: self.account.into_iter().collect(),
            media_id: None,
            unanswered: self.unanswered,
            since,
            until,
        };
        let mut session = database::open(sources).await?;
        let list = session.media(&filter, self.after, self.limit).await;
        let list = list.map_err(database::of_list)?;
        columns::print(&self.form, &list.rows, &COLUMNS, COLUMNS.len())?;
        if let Some(behind) = stats::behind(list.lag.as_ref()) {
            Output::note(&behind)?;
        }
        if let Some(next) = list.next {
            Output::note(&format!("more media match; go on with --after {next}"))?;
        }
        let narrowed = filter != MediaFilter::default() || self.after.is_some();
        Output::note_if_empty(list.rows.len(), output::List::Media, narrowed)
    }
}

const COLUMNS: [Column<MediaRow>; 7] = [
    ("last_at", |row| format!("{:.0}", row.last_at)),
    ("unanswered", |row| row.unanswered.to_string()),
    ("comments", |row| row.comments.to_string()),
    ("own_comments", |row| row.own_comments.to_string()),
    ("app", |row| row.app.clone()),
    ("account_id", |row| row.account_id.clone()),
    ("media_id", |row| row.media_id.clone()),
];

impl Show {
    async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let filter = MediaFilter {
            app: self.app.as_ref().map(ToString::to_string),
            account_ids: self.account.into_iter().collect(),
            media_id: self.media,
            ..MediaFilter::default()
        };
        let mut session = database::open(sources).await?;
        let found = session.media_comments(&filter, self.before, self.limit);
        let comments = found.await?.context(
            "no media with comments matches; `hookshelf comments list` shows those that are there, \
             and the server lists new ones within a second",
        )?;
        if self.json {
            let mut output = Output::new();
            output.json(&comments)?;
            return output.finish();
        }
        print(&comments)
    }
}

fn print(comments: &MediaComments) -> anyhow::Result<()> {
    let row = &comments.row;
    let mut chat = Chat::new();
    chat.note(&format!(
        "{}, account {}, media {}",
        row.app, row.account_id, row.media_id
    ))?;
    for ad in &row.ad_media_ids {
        chat.note(&format!("with the comments on its ad {ad}"))?;
    }
    chat.note(&format!(
        "comments {}, own {}, unanswered {}",
        row.comments, row.own_comments, row.unanswered
    ))?;
    for thread in &comments.threads {
        chat.gap()?;
        chat.side(false);
        match &thread.comment {
            Some(comment) => print_comment(&mut chat, comment)?,
            None => chat.note("(the first comment of this thread is not stored)")?,
        }
        chat.side(true);
        let mut replies = thread.replies.iter();
        replies.try_for_each(|reply| print_comment(&mut chat, reply))?;
    }
    chat.finish()?;
    comments.next.map_or(Ok(()), |next| {
        Output::note(&format!("older threads: --before {next}"))
    })
}

fn print_comment(chat: &mut Chat, comment: &Comment) -> anyhow::Result<()> {
    let author = match (&comment.username, comment.is_self) {
        (_, true) => "account".to_owned(),
        (Some(name), false) => format!("@{name}"),
        (None, false) => "person".to_owned(),
    };
    let unanswered = comment.is_unanswered.then(|| "unanswered".to_owned());
    let ad = comment.ad_id.as_ref().map(|ad| format!("on ad {ad}"));
    let late = comment.is_late;
    let late = late.then(|| format!("late: arrived {:.0}", comment.received_at));
    let said = [Some(author), unanswered, ad, late].into_iter().flatten();
    let said = said.collect::<Vec<_>>().join(", ");
    chat.on_day(comment.at, &said)?;
    if let Some(state) = state(comment) {
        chat.remark(&state)?;
    }
    if let Some(text) = &comment.text {
        chat.text(text)?;
    }
    // The last version is the text above.
    let former = comment.versions.len().saturating_sub(1);
    for version in &comment.versions[..former] {
        let text = version.text.as_deref().unwrap_or("(no text)");
        chat.remark(&format!("edited; {:.0}: {text}", version.at))?;
    }
    Ok(())
}

/// The reason why a comment shows no text.
fn state(comment: &Comment) -> Option<String> {
    if let Some(at) = comment.removed_at {
        return Some(format!("(removed {at:.0})"));
    }
    if comment.erased_at.is_some() {
        return Some("(erased)".to_owned());
    }
    if !comment.masked.is_empty() {
        return Some(format!("(hidden: {})", comment.masked.join(", ")));
    }
    comment.text.is_none().then(|| "(no text)".to_owned())
}
