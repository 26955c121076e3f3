//! Page of an event, which is also the pane beside a list.

use std::borrow::Cow;

use askama::{Template, filters::Safe};
use axum::{extract::State, response::Response, routing::get};

use super::{
    Page,
    account_list::RANGE,
    accounts::AccountNames,
    answer::{page, rendered},
    bytes::PART,
    copies::{self, CopyEntry},
    digits::grouped,
    event_line::{EventLine, Said, duration},
    frame::{EVENTS, Frame},
    json_tree::{Tree, searched, tree},
    term::Term,
    text,
    visit::Visit,
};
use crate::{
    http::{
        access::Viewer,
        api::{
            Api, Asked, InPath, Shared,
            events::{At, at},
        },
        parameter::{Form, Parameter},
        problem::Problem,
    },
    query::{ComparedRepeat, EventDetail, EventRow, Scope},
};

/// Term that is looked for in the payload.
pub(super) const FIND: &[Parameter] = &[Parameter::of(
    "find",
    "Part of a key or value of the payload.",
    Form::Search,
)];

pub(super) const PAGE: Page = Page {
    path: "/events/{position}",
    handler: || get(show),
    parameters: &[RANGE, FIND],
};

/// An event with everything that belongs to it.
pub(super) struct Detail {
    pub(super) line: EventLine,
    /// Level of the headings of its sections.
    pub(super) level: u8,
    pub(super) position: String,
    /// Heading in words.
    pub(super) words: String,
    pub(super) facts: Vec<Fact>,
    /// `None` if it is gone or hidden.
    pub(super) payload: Option<Payload>,
    /// True if the reader may not see the payload.
    pub(super) is_masked: bool,
    pub(super) repeats: Vec<ComparedRepeat>,
    pub(super) related: Vec<EventLine>,
    pub(super) copies: Vec<CopyEntry>,
}

/// Payload of an event.
pub(super) struct Payload {
    pub(super) tree: Safe<Tree>,
    /// Term that was looked for, and the number of matches in words.
    pub(super) found: Option<(String, String)>,
    /// The exact text, or its start.
    pub(super) exact: String,
    /// Number of all bytes, if only the start is shown.
    pub(super) of: Option<String>,
}

/// A column of an event.
pub(super) struct Fact {
    pub(super) name: &'static str,
    pub(super) value: String,
    /// Page of the named object, below the base.
    pub(super) link: Option<String>,
    /// True for an id, which can be copied.
    pub(super) is_id: bool,
}

#[derive(Template)]
#[template(path = "event.html", blocks = ["main"])]
struct EventPage {
    frame: Frame,
    open: Detail,
}

rendered!(EventPage);

async fn show(
    State(api): Shared,
    Viewer(scope): Viewer,
    InPath(position): InPath<i64>,
    visit: Visit,
    asked: Asked,
) -> Result<Response, Problem> {
    let term = asked.parameters.search("find")?;
    let mut open = detail(&api, (&scope, &asked, &visit), position, term).await?;
    open.level = 2;
    let title = format!("Event {position}");
    let frame = Frame::new(&visit, Some(&scope), title, Some(&EVENTS));
    Ok(page(&visit, &EventPage { frame, open }))
}

/// Takes the term out of the parameters of a list: it is of the event beside it alone.
pub(super) fn take_term(asked: &mut Asked) -> Result<Option<String>, Problem> {
    let term = asked.parameters.search("find")?;
    asked.parameters = asked.parameters.without(FIND);
    Ok(term)
}

/// Reads an event to be shown beside a list; at the position of a repeat, its event.
pub(super) async fn detail(
    api: &Api,
    (scope, asked, visit): (&Scope, &Asked, &Visit),
    position: i64,
    term: Option<String>,
) -> Result<Detail, Problem> {
    let mut position = position.to_string();
    let event = loop {
        match at(api, scope, asked, &position).await? {
            At::Event(event) => break event,
            At::Repeat(repeated) => {
                let of = repeated.repeat.event_position;
                let of = of.filter(|of| *of != repeated.repeat.position);
                position = of.ok_or_else(Problem::not_found)?.to_string();
            }
        }
    };
    let mut session = api.session(scope).await?;
    let events = std::iter::once(&event.event).chain(&event.related);
    let names = AccountNames::of(api, &mut session, events).await?;
    let mut detail = Detail::of(*event, &names, term);
    let payload = detail.payload.as_ref().map(|it| it.exact.as_str());
    detail.copies = copies::of_event(visit, scope, detail.line.position, payload);
    Ok(detail)
}

impl Detail {
    fn of(detail: EventDetail, names: &AccountNames, term: Option<String>) -> Self {
        let row = detail.event.columns();
        let line = EventLine::of(&detail.event, names);
        let payload = row.payload.as_ref().map(|payload| payload.get());
        let related = detail.related.iter();
        Self {
            level: 3,
            position: row.position.to_string(),
            words: words(&line, row, detail.repeats.len()),
            facts: facts(row, &line),
            payload: payload.and_then(|payload| Payload::of(payload, term)),
            is_masked: detail.event.is_masked(),
            related: related.map(|event| EventLine::of(event, names)).collect(),
            repeats: detail.repeats,
            copies: Vec::new(),
            line,
        }
    }
}

impl Payload {
    fn of(json: &str, term: Option<String>) -> Option<Self> {
        let start = &json[..json.floor_char_boundary(PART)];
        let (tree, found) = match term {
            Some(term) => {
                let (tree, said) = searched(json, &Term::of(&term))?;
                (tree, Some((term, said)))
            }
            None => (tree(json)?, None),
        };
        Some(Self {
            tree,
            found,
            exact: start.to_owned(),
            of: (start.len() < json.len()).then(|| grouped(json.len())),
        })
    }
}

impl Frame {
    /// Address of the list without the event beside it.
    pub(super) fn without_event(&self) -> String {
        self.link_to(self.path(), None, |name| !["open", "find"].contains(&name))
    }

    /// Parameters of the page that a search in the payload keeps.
    pub(super) fn given_besides_find(&self) -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
        self.given().filter(|(name, _)| name != "find").collect()
    }
}

/// The event in a sentence.
fn words(line: &EventLine, row: &EventRow, repeats: usize) -> String {
    let who = match &line.person {
        Some(person) => match &person.username {
            Some(username) => format!("@{username}"),
            None => text::short_id(&person.id),
        },
        None => String::new(),
    };
    let what = match (row.person_id.is_some(), row.is_echo) {
        (true, true) => format!("{} to {who}", line.look.word),
        (true, false) => format!("{} of {who}", line.look.word),
        (false, _) => format!("{} without a person", line.look.word),
    };
    let late = row.occurred_at.map(|at| row.received_at.duration_since(at));
    let late = match late.filter(|late| late.as_secs() > 0) {
        Some(late) => format!(", received {} after it occurred", duration(late)),
        None => String::new(),
    };
    let times = match repeats {
        0 => String::new(),
        1 => " Delivered twice.".to_owned(),
        more => format!(" Delivered {} times.", more + 1),
    };
    format!("{what}{late}.{times}")
}

/// Columns of an event that it has.
fn facts(row: &EventRow, line: &EventLine) -> Vec<Fact> {
    let ids = &row.ids;
    let events = |name: &str, id: &str| {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair(name, id)
            .finish();
        Some(format!("/events?{query}"))
    };
    let id = |name, id: &Option<String>, filter: &str| {
        let id = id.clone()?;
        Some(Fact {
            name,
            link: events(filter, &id),
            value: id,
            is_id: true,
        })
    };
    let plain = |name, value: &Option<String>| {
        let value = value.clone()?;
        Some(Fact {
            name,
            value,
            link: None,
            is_id: false,
        })
    };
    [
        line.account.as_ref().map(|account| Fact {
            name: "Account",
            value: account.id.clone(),
            link: account.link(),
            is_id: true,
        }),
        id("Person", &row.person_id, "person"),
        id("Message", &ids.message_id, "message"),
        id("Comment", &ids.comment_id, "comment"),
        id("Media", &ids.media_id, "media"),
        id("Answers", &ids.parent_id, "comment"),
        Some(Fact {
            name: "Delivery",
            value: row.delivery_id.to_string(),
            link: Some(format!("/deliveries/{}", row.delivery_id)),
            is_id: true,
        }),
        plain("Field", &row.field),
        plain("Channel", &Some(row.channel.clone())),
        plain("App", &Some(row.app.clone())),
        plain("Source", &Some(row.source.clone())),
        plain("Problem", &row.problem),
        plain("Dedupe key", &Some(row.dedupe_key.to_string())),
    ]
    .into_iter()
    .flatten()
    .collect()
}
