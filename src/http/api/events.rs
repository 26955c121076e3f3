//! Routes of events: the list, a search, single events, their neighbours, and ids.

use std::time::Duration;

use axum::{extract::State, http::StatusCode, response::Response, routing::get};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Api, Asked, DATED, InPath, Shared, UNREAD,
    dropped::missing,
    export::{EXPORT, Export, refuse},
    filters::{FILTERS, PAGE, SEARCHES, event_filter, page},
    operation::{Answer, Operation},
    shown,
};
use crate::{
    clock::Clock,
    http::{
        access::Viewer,
        answer,
        parameter::{Form, Parameter},
        parameters::Parameters,
        problem::{self, Problem},
    },
    query::{
        Around, Digits, EventDetail, EventFilter, EventForm, EventPage, EventWalk, Item, Order,
        RepeatedEvent, Scope, Session, Subject, Target,
    },
};

const LIST: &str = "/v1/events";

const POSITION: &[Parameter] = &[Parameter::of(
    "position",
    "Position of the event.",
    Form::Position,
)];

const AROUND: &[Parameter] = &[Parameter::of(
    "n",
    "Number of events around this one.",
    Form::Number(2, 200, 50),
)];

const FIND: &[Parameter] = &[Parameter::one(
    "id",
    "A position, delivery, message, comment, media, person, account, label, or user name.",
)
.required()];

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        path: LIST,
        handler: || get(list),
        about: "Events: a page; with text or payload, a search of a day; with format, an export.",
        parameters: &[FILTERS, SEARCHES, PAGE, EXPORT],
        example: "/v1/events?kind=message,comment&source=live&limit=2",
        answers: &[
            Answer::json::<EventList>("A page of events."),
            Answer::json::<FoundEvents>("The events of a search."),
        ],
        problems: &[
            problem::DATABASE,
            problem::BUSY,
            problem::AUDIT,
            problem::STREAMS,
            problem::BEYOND,
        ],
        ..Operation::GET
    },
    Operation {
        path: "/v1/events/{position}",
        handler: || get(show),
        about: "An event with its delivery, its repeats, and other events about the same message \
                or comment. The position of a repeat has the repeat with its event.",
        parts: POSITION,
        example: "/v1/events/1",
        answers: &[
            Answer::json::<EventDetail>("The event."),
            Answer::json::<RepeatedEvent>("The repeat."),
        ],
        problems: DATED,
        ..Operation::GET
    },
    Operation {
        path: "/v1/events/{position}/around",
        handler: || get(around),
        about: "Events before and after an event, on its account.",
        parts: POSITION,
        parameters: &[AROUND],
        example: "/v1/events/1/around?n=10",
        answers: &[Answer::json::<Around>("The event and its neighbors.")],
        problems: DATED,
        ..Operation::GET
    },
    Operation {
        path: "/v1/find",
        handler: || get(find),
        about: "Types and targets of an id.",
        parameters: &[FIND],
        example: "/v1/find?id=1",
        answers: &[Answer::json::<Targets>("Everything that the id names.")],
        problems: UNREAD,
        ..Operation::GET
    },
];

/// Answer with a page of events.
#[derive(Serialize, JsonSchema)]
pub(in crate::http) struct EventList {
    pub(in crate::http) events: Vec<EventForm>,
    /// URL of the next page.
    pub(in crate::http) next: Option<String>,
    /// URL of the page in the other direction.
    pub(in crate::http) previous: Option<String>,
    #[schemars(with = "Digits")]
    pub(in crate::http) as_of_position: String,
}

/// Answer with the events of a search.
#[derive(Serialize, JsonSchema)]
pub(in crate::http) struct FoundEvents {
    pub(in crate::http) events: Vec<EventForm>,
    /// Every event received since this time was searched.
    pub(in crate::http) searched_until: Timestamp,
    /// True if the search reached the start of the filter.
    complete: bool,
    /// URL that continues the search.
    pub(in crate::http) next: Option<String>,
    #[schemars(with = "Digits")]
    as_of_position: String,
}

/// Answer with the targets of an id.
#[derive(Serialize, JsonSchema)]
struct Targets {
    targets: Vec<Target>,
}

/// List of events in the form that its parameters ask for.
pub(in crate::http) enum Listed {
    Page(EventList),
    Found(FoundEvents),
    Export(Response),
}

async fn list(
    State(api): Shared,
    Viewer(scope): Viewer,
    asked: Asked,
) -> Result<Response, Problem> {
    Ok(match listed(&api, &scope, &asked).await? {
        Listed::Page(page) => answer::json(StatusCode::OK, &page),
        Listed::Found(found) => answer::json(StatusCode::OK, &found),
        Listed::Export(export) => export,
    })
}

/// Reads the list of events that a request asks for.
pub(in crate::http) async fn listed(
    api: &Api,
    scope: &Scope,
    asked: &Asked,
) -> Result<Listed, Problem> {
    let parameters = &asked.parameters;
    refuse_content_filters(scope, parameters)?;
    let mut session = api.session(scope).await?;
    // The end of the log comes first: events up to it are in the list, whatever arrives meanwhile.
    let end = api.read(session.end_of_log()).await?;
    let filter = event_filter(api, &mut session, parameters).await?;
    let page = page(filter.unwrap_or_else(EventFilter::nothing), parameters)?;
    let wait = parameters.number::<u64>("wait")?;
    let now = Clock::system().now();
    if page.filter.is_search() {
        refuse(parameters, &["after", "order", "wait"], "on a search")?;
    }
    if let Some(export) = Export::of("events", parameters, &["order", "limit", "wait"])? {
        let what = (export.with_content(scope)?, Subject::None);
        let walk = EventWalk::new(page, end, now);
        let export = api.export(session, (scope, asked), what, walk).await?;
        return Ok(Listed::Export(export));
    }
    if page.filter.is_search() {
        let found = api.read(session.search(&page, now)).await?;
        let rows = Some(found.events.len());
        api.record(scope, asked, "search", (Subject::None, rows))
            .await?;
        let next = found.next.map(|(until, before)| {
            let before = before.map_or_else(String::new, |before| before.to_string());
            let until = until.to_string();
            shown::url(LIST, parameters, &[("until", until), ("before", before)])
        });
        return Ok(Listed::Found(FoundEvents {
            events: found.events,
            searched_until: found.searched_until,
            complete: found.complete,
            next,
            as_of_position: end.to_string(),
        }));
    }
    if page.range.after.is_none() {
        refuse(parameters, &["wait"], "without after")?;
    }
    let mut events = session.events(&page).await;
    if let (Ok([]), Some(after), 1..) = (events.as_deref(), page.range.after, wait) {
        // A waiting client does not keep a session from others.
        drop(session);
        let from = (page.filter.clone(), after.min(end));
        let time = Duration::from_secs(wait);
        api.wait((scope, asked), from, time).await?;
        events = api.session(scope).await?.events(&page).await;
    }
    let events = events.map_err(|error| api.problem(&error))?;
    let [next, previous] = neighbours(&events, &page, parameters);
    Ok(Listed::Page(EventList {
        events,
        next,
        previous,
        as_of_position: end.to_string(),
    }))
}

/// A scope without content cannot search it: an answer would tell what the content is.
pub(in crate::http) fn refuse_content_filters(
    scope: &Scope,
    parameters: &Parameters,
) -> Result<(), Problem> {
    let names = ["text", "payload", "username"];
    let given = names.iter().find(|name| parameters.get(name).is_some());
    match given {
        Some(name) if !scope.shows_content() => {
            let detail = format!("{name} needs a token with content = true");
            Err(Problem::new(problem::FORBIDDEN, detail))
        }
        _ => Ok(()),
    }
}

/// URLs of the next page in the same order, and of the page in the other direction.
fn neighbours(
    events: &[EventForm],
    page: &EventPage,
    parameters: &Parameters,
) -> [Option<String>; 2] {
    let bounds = |order: Order, position: i64| {
        let position = position.to_string();
        let (after, before) = match order {
            Order::Oldest => (position, String::new()),
            Order::Newest => (String::new(), position),
        };
        let order = order.as_str().to_owned();
        let changes = [("order", order), ("after", after), ("before", before)];
        shown::url(LIST, parameters, &changes)
    };
    let other = match page.order {
        Order::Newest => Order::Oldest,
        Order::Oldest => Order::Newest,
    };
    let is_full = events.len() == usize::try_from(page.limit).unwrap_or(usize::MAX);
    let last = events.last().map(|event| event.columns().position);
    let first = events.first().map(|event| event.columns().position);
    let next = match page.order {
        // New events come at this end, so there is always a next page.
        Order::Oldest => last.or(page.range.after),
        Order::Newest => last.filter(|_| is_full),
    };
    [
        next.map(|position| bounds(page.order, position)),
        first.map(|position| bounds(other, position)),
    ]
}

/// Event or repeat at a position.
pub(in crate::http) enum At {
    Event(Box<EventDetail>),
    Repeat(Box<RepeatedEvent>),
}

async fn show(
    State(api): Shared,
    Viewer(scope): Viewer,
    InPath(position): InPath<String>,
    asked: Asked,
) -> Result<Response, Problem> {
    Ok(match at(&api, &scope, &asked, &position).await? {
        At::Event(detail) => answer::json(StatusCode::OK, &detail),
        At::Repeat(repeated) => answer::json(StatusCode::OK, &repeated),
    })
}

/// Reads the event or repeat at a position.
pub(in crate::http) async fn at(
    api: &Api,
    scope: &Scope,
    asked: &Asked,
    position: &str,
) -> Result<At, Problem> {
    let position = parsed(position)?;
    let mut session = api.session(scope).await?;
    let detail = api.read(session.event_detail(position)).await?;
    let Some(detail) = detail else {
        return repeat(&mut session, api, position).await;
    };
    if scope.shows_content() {
        let subject = (Subject::Id(&position.to_string()), Some(1));
        api.record(scope, asked, "event", subject).await?;
    }
    Ok(At::Event(Box::new(detail)))
}

/// Reads the repeat at a position.
async fn repeat(session: &mut Session, api: &Api, position: i64) -> Result<At, Problem> {
    match api.read(session.item(position)).await? {
        Some(Item::Repeat(repeated)) => Ok(At::Repeat(repeated)),
        _ => Err(missing(api, session, &position.to_string()).await),
    }
}

fn parsed(position: &str) -> Result<i64, Problem> {
    let number = position.parse().ok().filter(|number: &i64| *number >= 0);
    number.ok_or_else(Problem::not_found)
}

async fn around(
    State(api): Shared,
    Viewer(scope): Viewer,
    InPath(position): InPath<String>,
    asked: Asked,
) -> Result<Response, Problem> {
    let count = asked.parameters.number("n")?;
    let around = neighbourhood(&api, (&scope, &asked), &position, count).await?;
    Ok(answer::json(StatusCode::OK, &around))
}

/// Reads an event and about `count` events around it, on its account.
pub(in crate::http) async fn neighbourhood(
    api: &Api,
    (scope, asked): (&Scope, &Asked),
    position: &str,
    count: u32,
) -> Result<Around, Problem> {
    let position = parsed(position)?;
    let mut session = api.session(scope).await?;
    let around = api.read(session.around(position, count)).await?;
    let Some(around) = around else {
        return Err(missing(api, &mut session, &position.to_string()).await);
    };
    if scope.shows_content() {
        let rows = around.before.len() + 1 + around.after.len();
        let subject = (Subject::Id(&position.to_string()), Some(rows));
        api.record(scope, asked, "event", subject).await?;
    }
    Ok(around)
}

async fn find(
    State(api): Shared,
    Viewer(scope): Viewer,
    asked: Asked,
) -> Result<Response, Problem> {
    let id = asked.parameters.text("id")?.unwrap_or_default();
    let mut session = api.session(&scope).await?;
    let targets = found(&api, &mut session, &id).await?;
    Ok(answer::json(StatusCode::OK, &Targets { targets }))
}

/// Finds everything that an id names.
pub(in crate::http) async fn found(
    api: &Api,
    session: &mut Session,
    id: &str,
) -> Result<Vec<Target>, Problem> {
    let now = Clock::system().now();
    api.read(session.find(id.trim(), now)).await
}
