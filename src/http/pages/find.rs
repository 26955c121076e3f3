//! Page of the search box: *where is this id?* It leads to the target, or lists the targets.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    Page,
    account_list::RANGE,
    answer::{page, rendered},
    frame::{Frame, SCOPE, is_section},
    pasted, text,
    visit::Visit,
};
use crate::{
    http::{
        access::Viewer,
        api::{Api, Asked, Shared, dropped::reason, events::found},
        parameter::{Form, Parameter},
        parameters::Parameters,
        problem::Problem,
    },
    query::{
        ConversationFilter, ConversationOrder, EventRow, Item, MediaFilter, Place, Scope, Session,
        Target, thread_of,
    },
};

const SEARCHED: &[Parameter] = &[
    Parameter::of(
        "id",
        "An id, a name, an address of a page, or a line with ids.",
        Form::Any,
    ),
    // In a form, a field with the name `id` would hide the id of the form from scripts.
    Parameter::of("q", "The same, as the search box sends it.", Form::Any),
];

pub(super) const PAGE: Page = Page {
    path: "/find",
    handler: || get(show),
    parameters: &[SEARCHED, SCOPE, RANGE],
};

/// Maximum size of a searched text.
const LARGEST: usize = 4096;

/// Maximum size of an id.
const LARGEST_ID: usize = 512;

/// Maximum number of characters of a search in texts.
const LONGEST_TEXT: usize = 200;

/// Page of the search box.
#[derive(Template)]
#[template(path = "find.html", blocks = ["main"])]
struct FindPage {
    frame: Frame,
    /// The searched text; empty if nothing was asked for.
    asked: String,
    pages: Vec<Found>,
    /// Sentence that says that its day was dropped.
    dropped: Option<String>,
    /// True if the text may be searched in the texts of events.
    searches_texts: bool,
    shows_content: bool,
    /// True if the reader sees only a part of the data.
    is_restricted: bool,
}

rendered!(FindPage);

/// A target with its page.
#[derive(Debug)]
struct Found {
    kind: &'static str,
    id: String,
    /// Path below the base.
    link: String,
}

async fn show(
    State(api): Shared,
    Viewer(scope): Viewer,
    visit: Visit,
    asked: Asked,
) -> Result<Response, Problem> {
    let text = match typed(&asked.parameters)? {
        none if none.is_empty() => text_of(&asked.parameters, "id")?,
        typed => typed,
    };
    let frame = Frame::new(&visit, Some(&scope), "Find", None);
    if let Some(address) = pasted::address(&text, |name| is_section(name) || name == "views") {
        return Ok(Redirect::to(&format!("{}{address}", frame.base)).into_response());
    }
    let (pages, dropped) = searched(&api, &scope, &text).await?;
    if let [only] = pages.as_slice() {
        return Ok(Redirect::to(&format!("{}{}", frame.base, only.link)).into_response());
    }
    let find = FindPage {
        searches_texts: searches_texts(&scope, &text),
        frame,
        asked: text,
        pages,
        dropped,
        shows_content: scope.shows_content(),
        is_restricted: scope.is_restricted(),
    };
    Ok(page(&visit, &find))
}

/// Pages of everything that a text names, or the reason why a dropped day has none. An empty box needs
/// no database.
async fn searched(
    api: &Api,
    scope: &Scope,
    text: &str,
) -> Result<(Vec<Found>, Option<String>), Problem> {
    if text.is_empty() {
        return Ok((Vec::new(), None));
    }
    let mut session = api.session(scope).await?;
    let pages = pages(api, &mut session, text).await?;
    let dropped = match pages.as_slice() {
        [] => reason(api, &mut session, text).await?,
        _ => None,
    };
    Ok((pages, dropped))
}

/// Text of the search box, without space around it.
pub(super) fn typed(parameters: &Parameters) -> Result<String, Problem> {
    text_of(parameters, "q")
}

fn text_of(parameters: &Parameters, name: &str) -> Result<String, Problem> {
    let text = parameters.parse(name, |text| {
        let is_text = text.len() <= LARGEST && !text.contains('\0');
        is_text.then(|| text.trim().to_owned())
    })?;
    Ok(text.unwrap_or_default())
}

/// True if the reader may search for a text in the texts of events.
pub(super) fn searches_texts(scope: &Scope, text: &str) -> bool {
    scope.shows_content() && (1..=LONGEST_TEXT).contains(&text.chars().count())
}

/// Pages of everything that a text names: the text as an id, or else the ids in it.
async fn pages(api: &Api, session: &mut Session, text: &str) -> Result<Vec<Found>, Problem> {
    let mut pages = Vec::new();
    if (1..=LARGEST_ID).contains(&text.len()) {
        pages = pages_of(api, session, text).await?;
    }
    if pages.is_empty() {
        for id in pasted::ids(text).into_iter().filter(|id| *id != text) {
            pages.extend(pages_of(api, session, id).await?);
        }
    }
    Ok(pages)
}

/// Pages of everything that an id names.
async fn pages_of(api: &Api, session: &mut Session, id: &str) -> Result<Vec<Found>, Problem> {
    let targets = found(api, session, id).await?;
    let mut search = Search { api, session };
    let mut pages = Vec::new();
    for target in targets {
        let link = search.link(&target).await?;
        let Target { kind, id, .. } = target;
        pages.push(Found { kind, id, link });
    }
    Ok(pages)
}

/// Search for the page of a target. Conversations and media have a page once they are listed, and
/// others never have one.
struct Search<'s> {
    api: &'s Api,
    session: &'s mut Session,
}

impl Search<'_> {
    async fn link(&mut self, target: &Target) -> Result<String, Problem> {
        let Target { kind, id, position } = target;
        let own = match *kind {
            "delivery" => Some(below("/deliveries", &[id.as_str()])),
            "account" => Some(below("/accounts", &[id.as_str()])),
            _ => match position {
                Some(position) => self.of_item(kind, *position).await?,
                None => None,
            },
        };
        Ok(own.unwrap_or_else(|| events(kind, id)))
    }

    async fn of_item(&mut self, kind: &str, position: i64) -> Result<Option<String>, Problem> {
        let event = |position: i64| format!("/events/{position}");
        let row = match self.api.read(self.session.item(position)).await? {
            Some(Item::Event(row)) => row,
            Some(Item::Repeat(it)) => {
                return Ok(Some(match &it.event {
                    Some(of) => event(of.columns().position),
                    None => below("/deliveries", &[it.repeat.delivery_id.to_string().as_str()]),
                }));
            }
            None => return Ok(None),
        };
        let row = row.columns();
        Ok(match kind {
            "event" => Some(event(position)),
            "message" => {
                let message = self
                    .conversation(row)
                    .await?
                    .map(|path| message(&path, row));
                message.or_else(|| Some(event(position)))
            }
            "comment" => {
                let comment = self.media(row).await?.map(|path| comment(&path, row));
                comment.or_else(|| Some(event(position)))
            }
            "media" => self.media(row).await?,
            _ => self.conversation(row).await?,
        })
    }

    /// Conversation of an event.
    async fn conversation(&mut self, row: &EventRow) -> Result<Option<String>, Problem> {
        let (Some(account), Some(person)) = (&row.account_id, &row.person_id) else {
            return Ok(None);
        };
        let filter = ConversationFilter {
            account_ids: vec![account.clone()],
            person_id: Some(person.clone()),
            ..ConversationFilter::default()
        };
        let order = ConversationOrder::Newest;
        let listed = self.session.conversations(&filter, order, None, 1);
        let is_listed = !self.api.read(listed).await?.rows.is_empty();
        Ok(is_listed.then(|| below("/conversations", &[account.as_str(), person.as_str()])))
    }

    /// Comments on the media of an event.
    async fn media(&mut self, row: &EventRow) -> Result<Option<String>, Problem> {
        let filter = MediaFilter {
            media_id: row.ids.media_id.clone(),
            ..MediaFilter::default()
        };
        let Some(id) = &filter.media_id else {
            return Ok(None);
        };
        let listed = self.session.media_comments(&filter, None, 1);
        let is_listed = self.api.read(listed).await?.is_some();
        Ok(is_listed.then(|| below("/comments", &[id.as_str()])))
    }
}

/// Part of a conversation that ends with an event.
fn message(conversation: &str, row: &EventRow) -> String {
    let behind = Place {
        at: row.occurred_at.unwrap_or(row.received_at),
        position: row.position + 1,
    };
    format!("{conversation}?before={behind}#p{}", row.position)
}

/// Place of a comment in its thread.
fn comment(media: &str, row: &EventRow) -> String {
    let position = row.position;
    match thread_of(row) {
        Some(id) => format!("{media}?{}#p{position}", pair("thread", id)),
        None => format!("{media}#p{position}"),
    }
}

/// Events with an id.
fn events(kind: &str, id: &str) -> String {
    format!("/events?{}", pair(kind, id.trim_start_matches('@')))
}

fn pair(name: &str, value: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair(name, value).finish()
}

/// Page with these parts behind its path.
pub(super) fn below(path: &str, parts: &[&str]) -> String {
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');
    let parts = parts.iter().map(|part| utf8_percent_encode(part, KEPT));
    parts.fold(path.to_owned(), |page, part| format!("{page}/{part}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_part_of_an_address() {
        assert_eq!(events("person", "a&b"), "/events?person=a%26b");
        assert_eq!(events("username", "@rolls"), "/events?username=rolls");
        assert_eq!(below("/accounts", &["a/ü"]), "/accounts/a%2F%C3%BC");
    }
}
