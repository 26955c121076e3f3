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
    query::{EventRow, Item, Place, Scope, Session, Target},
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
    let mut session = api.session(&scope).await?;
    let pages = pages(&api, &mut session, &text).await?;
    if let [only] = pages.as_slice() {
        return Ok(Redirect::to(&format!("{}{}", frame.base, only.link)).into_response());
    }
    let dropped = match pages.as_slice() {
        [] => reason(&api, &mut session, &text).await?,
        _ => None,
    };
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
    let mut pages = Vec::new();
    for Target { kind, id, position } in found(api, session, id).await? {
        let item = match position {
            Some(position) => api.read(session.item(position)).await?,
            None => None,
        };
        let row = match &item {
            Some(Item::Event(event)) => Some(event.columns()),
            _ => None,
        };
        let link = link(kind, &id, position, row);
        pages.push(Found { kind, id, link });
    }
    Ok(pages)
}

/// Link to a target. `row` is the event at its position.
fn link(kind: &str, id: &str, position: Option<i64>, row: Option<&EventRow>) -> String {
    let event = || position.map(|position| format!("/events/{position}"));
    let own = match kind {
        "event" | "repeat" => event(),
        "delivery" => Some(below("/deliveries", &[id])),
        "account" => Some(below("/accounts", &[id])),
        "media" => Some(below("/comments", &[id])),
        "message" => row.and_then(message).or_else(event),
        "comment" => row.and_then(comment).or_else(event),
        _ => row.and_then(conversation),
    };
    own.unwrap_or_else(|| {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair(kind, id)
            .finish();
        format!("/events?{query}")
    })
}

/// Conversation of an event.
fn conversation(row: &EventRow) -> Option<String> {
    let (account, person) = (row.account_id.as_deref()?, row.person_id.as_deref()?);
    Some(below("/conversations", &[account, person]))
}

/// Part of a conversation that ends with an event.
fn message(row: &EventRow) -> Option<String> {
    let conversation = conversation(row)?;
    let behind = Place {
        at: row.occurred_at.unwrap_or(row.received_at),
        position: row.position + 1,
    };
    let position = row.position;
    Some(format!("{conversation}?before={behind}#p{position}"))
}

/// Place of a comment under its media.
fn comment(row: &EventRow) -> Option<String> {
    let media = below("/comments", &[row.ids.media_id.as_deref()?]);
    Some(format!("{media}#p{}", row.position))
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
    fn a_target_without_a_page_of_its_own_leads_to_its_events() {
        assert_eq!(link("event", "42", Some(42), None), "/events/42");
        assert_eq!(link("media", "a&b", None, None), "/comments/a%26b");
        assert_eq!(link("person", "a&b", None, None), "/events?person=a%26b");
        assert_eq!(below("/accounts", &["a/ü"]), "/accounts/a%2F%C3%BC");
    }
}
