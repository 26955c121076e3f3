//! Lists that the server keeps, of conversations and of media, and one entry of them as a chat.

use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::{
    api::{Api, Fields, Origin, Request},
    chat::Chat,
    columns::{self, Column},
    filters::{self, Received},
    output::{Form, List, Output},
    stats,
};
use crate::{
    config::{AppName, Sources},
    query::Place,
};

/// Options of a kept list.
#[derive(Args, Debug)]
pub(super) struct Kept {
    /// The configured app.
    #[arg(long)]
    app: Option<AppName>,
    /// Client of the account.
    #[arg(long, value_name = "NAME")]
    client: Option<String>,
    /// The professional account: its id, label or user name.
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    #[command(flatten)]
    received: Received,
    /// Maximum number of rows.
    #[arg(long, default_value = filters::LIMIT, value_name = "COUNT",
          value_parser = filters::limit())]
    limit: u32,
    /// Go on behind this place, which the list before named.
    #[arg(long, value_name = "PLACE")]
    after: Option<Place>,
    #[command(flatten)]
    form: Form,
    #[command(flatten)]
    origin: Origin,
}

/// A kept list: its name in the answer, and its columns.
pub(super) struct Shown {
    pub(super) name: &'static str,
    pub(super) list: List,
    pub(super) columns: &'static [Column],
}

impl Kept {
    /// Prints the list that `request` asks for; `shape` has the keys of its rows.
    pub(super) async fn print(
        self,
        sources: &Sources,
        request: Request,
        shape: &impl Serialize,
        Shown {
            name,
            list,
            columns,
        }: Shown,
    ) -> anyhow::Result<()> {
        let request = request
            .with_any("app", self.app)
            .with_any("client", self.client)
            .with_any("account", self.account)
            .with_any("after", self.after);
        let request = self.received.of(request)?;
        let narrowed = request.is_narrowed();
        let api = self.origin.open(sources).await?;
        let (rows, answer) = api.rows(request, name, self.limit).await?;
        columns::print(&self.form, &rows, shape, (columns, columns.len()))?;
        if let Some(behind) = stats::behind(&answer) {
            Output::note(&behind)?;
        }
        if let Some(next) = place(answer.text("next").as_deref(), "after") {
            Output::note(&format!("more {name} match; go on with --after {next}"))?;
        }
        Output::note_if_empty(rows.len(), list, narrowed)
    }
}

/// Place in a URL of an answer.
pub(super) fn place(url: Option<&str>, parameter: &str) -> Option<String> {
    Request::at(url?).get(parameter).map(str::to_owned)
}

/// Reads at most `limit` entries of `list`, page by page in the direction of the URL `turn`; `None`
/// if there is no such object.
pub(super) async fn read(
    api: &Api,
    request: Request,
    (list, turn): (&str, &str),
    limit: u32,
) -> anyhow::Result<Option<Value>> {
    let limit = usize::try_from(limit)?;
    let page = |request: &Request, left: usize| request.with("limit", left.min(1000));
    let Some(first) = api.find(&page(&request, limit)).await? else {
        return Ok(None);
    };
    let mut whole = first.whole().value();
    loop {
        let left = limit - whole.list(list).len();
        let url = whole.some_text(turn).filter(|_| left > 0);
        let Some(url) = url else {
            break;
        };
        let Some(next) = api.find(&page(&api.at(&url), left)).await? else {
            break;
        };
        let next = next.whole().value();
        // A conversation also has gaps.
        for list in [list, "gaps"].into_iter().filter(|it| next[it].is_array()) {
            let [held, more] = [&whole, &next].map(|it| it.list(list).to_vec());
            let parts = if turn == "previous" {
                [more, held]
            } else {
                [held, more]
            };
            whole[list] = parts.concat().into();
        }
        whole[turn] = next[turn].clone();
    }
    Ok(Some(whole))
}

/// Replaces the URL `turn` by the place in its parameter.
pub(super) fn give_place(whole: &mut Value, turn: &str, parameter: &str) {
    whole[turn] = place(whole[turn].as_str(), parameter).into();
}

/// Words for a late arrival.
pub(super) fn late(line: &Value) -> Option<String> {
    line.flag("is_late")
        .then(|| format!("late: arrived {}", line.time("received_at")))
}

/// The reason why a line hides its content.
pub(super) fn hidden(line: &Value) -> Option<String> {
    if line.at("erased_at").is_some() {
        return Some("(erased)".to_owned());
    }
    let masked = line.texts("masked");
    (!masked.is_empty()).then(|| format!("(hidden: {})", masked.join(", ")))
}

/// Writes the versions of a text before its last edit; `unknown` stands for a missing one.
pub(super) fn former(chat: &mut Chat, line: &Value, unknown: &str) -> anyhow::Result<()> {
    let versions = line.list("versions");
    // The last version is the text above.
    let former = versions.len().saturating_sub(1);
    versions[..former].iter().try_for_each(|version| {
        let text = version.some_text("text");
        let text = text.as_deref().unwrap_or(unknown);
        chat.remark(&format!("edited; {}: {text}", version.time("at")))
    })
}
