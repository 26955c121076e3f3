//! Routes of events: the list, a search, single events, their neighbours, and ids.

use std::time::Duration;

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
    routing::get,
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::{
    Api, Asked, Shared,
    export::{EXPORT, Export, refuse},
    filters::{FILTERS, PAGE, SEARCHES, event_filter, page},
    shown,
};
use crate::{
    clock::Clock,
    http::{
        access::Viewer,
        answer,
        parameters::{Parameter, Parameters},
        problem::{self, Problem},
    },
    query::{EventFilter, EventForm, EventPage, EventWalk, Item, Order, Scope, Session, Subject},
};

const LIST: &str = "/v1/events";

const AROUND: &[Parameter] = &[Parameter::one(
    "n",
    "Number of events around this one, from 2 to 200. If unset: 50.",
)];

const FIND: &[Parameter] = &[Parameter::one(
    "id",
    "A position, delivery, message, comment, media, person, account, label, or user name.",
)];

/// Answer with a page of events.
#[derive(Serialize)]
struct EventList {
    events: Vec<EventForm>,
    next: Option<String>,
    previous: Option<String>,
    as_of_position: String,
}

/// Answer with the events of a search.
#[derive(Serialize)]
struct FoundEvents {
    events: Vec<EventForm>,
    searched_until: Timestamp,
    complete: bool,
    next: Option<String>,
    as_of_position: String,
}

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route(LIST, get(list))
        .route("/v1/events/{position}", get(show))
        .route("/v1/events/{position}/around", get(around))
        .route("/v1/find", get(find))
}

async fn list(
    State(api): Shared,
    Viewer(scope): Viewer,
    asked: Asked,
) -> Result<Response, Problem> {
    let parameters = asked.parameters(&[FILTERS, SEARCHES, PAGE, EXPORT])?;
    refuse_content_filters(&scope, &parameters)?;
    let mut session = api.session(&scope).await?;
    // The end of the log comes first: events up to it are in the list, whatever arrives meanwhile.
    let end = api.read(session.end_of_log()).await?;
    let filter = event_filter(&api, &mut session, &parameters).await?;
    let page = page(filter.unwrap_or_else(EventFilter::nothing), &parameters)?;
    let now = Clock::system().now();
    if page.filter.is_search() {
        refuse(&parameters, &["after", "order", "wait"], "on a search")?;
    }
    if let Some(export) = Export::of("events", &parameters, &["order", "limit", "wait"])? {
        let what = (export.with_content(&scope)?, Subject::None);
        let walk = EventWalk::new(page, end, now);
        return api.export(session, (&scope, &asked), what, walk).await;
    }
    if page.filter.is_search() {
        let found = api.read(session.search(&page, now)).await?;
        let rows = Some(found.events.len());
        api.record(&scope, &asked, "search", (Subject::None, rows))
            .await?;
        let next = found.next.map(|(until, before)| {
            let before = before.map_or_else(String::new, |before| before.to_string());
            let until = until.to_string();
            shown::url(LIST, &parameters, &[("until", until), ("before", before)])
        });
        let answer = FoundEvents {
            events: found.events,
            searched_until: found.searched_until,
            complete: found.complete,
            next,
            as_of_position: end.to_string(),
        };
        return Ok(answer::json(StatusCode::OK, &answer));
    }
    let mut events = session.events(&page).await;
    let wait = parameters.number("wait", 0..=30)?.unwrap_or(0);
    if let (Ok([]), Some(after), 1..) = (events.as_deref(), page.range.after, wait) {
        // A waiting client does not keep a session from others.
        drop(session);
        let from = (page.filter.clone(), after.min(end));
        let time = Duration::from_secs(wait);
        api.wait((&scope, &asked), from, time).await?;
        events = api.session(&scope).await?.events(&page).await;
    }
    let events = events.map_err(|error| api.problem(&error))?;
    let [next, previous] = neighbours(&events, &page, &parameters);
    let answer = EventList {
        events,
        next,
        previous,
        as_of_position: end.to_string(),
    };
    Ok(answer::json(StatusCode::OK, &answer))
}

/// A scope without content cannot search it: an answer would tell what the content is.
pub(super) fn refuse_content_filters(
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

async fn show(
    State(api): Shared,
    Viewer(scope): Viewer,
    Path(position): Path<String>,
    asked: Asked,
) -> Result<Response, Problem> {
    asked.parameters(&[])?;
    let position = parsed(&position)?;
    let mut session = api.session(&scope).await?;
    let detail = session.event_detail(position).await;
    let Some(detail) = detail.map_err(|error| api.problem(&error))? else {
        return repeat(&mut session, &api, position).await;
    };
    if scope.shows_content() {
        let subject = (Subject::Id(&position.to_string()), Some(1));
        api.record(&scope, &asked, "event", subject).await?;
    }
    Ok(answer::json(StatusCode::OK, &detail))
}

/// Answer for the position of a repeat.
async fn repeat(session: &mut Session, api: &Api, position: i64) -> Result<Response, Problem> {
    let item = session.item(position).await;
    match item.map_err(|error| api.problem(&error))? {
        Some(Item::Repeat(repeated)) => Ok(answer::json(StatusCode::OK, &repeated)),
        _ => Err(Problem::not_found()),
    }
}

fn parsed(position: &str) -> Result<i64, Problem> {
    let number = position.parse().ok().filter(|number: &i64| *number >= 0);
    number.ok_or_else(Problem::not_found)
}

async fn around(
    State(api): Shared,
    Viewer(scope): Viewer,
    Path(position): Path<String>,
    asked: Asked,
) -> Result<Response, Problem> {
    let parameters = asked.parameters(&[AROUND])?;
    let count = parameters.number("n", 2..=200)?.unwrap_or(50);
    let position = parsed(&position)?;
    let mut session = api.session(&scope).await?;
    let around = api.read(session.around(position, count)).await?;
    let around = around.ok_or_else(Problem::not_found)?;
    if scope.shows_content() {
        let rows = around.before.len() + 1 + around.after.len();
        let subject = (Subject::Id(&position.to_string()), Some(rows));
        api.record(&scope, &asked, "event", subject).await?;
    }
    Ok(answer::json(StatusCode::OK, &around))
}

async fn find(
    State(api): Shared,
    Viewer(scope): Viewer,
    asked: Asked,
) -> Result<Response, Problem> {
    let parameters = asked.parameters(&[FIND])?;
    let Some(id) = parameters.text("id")? else {
        return Err(Problem::parameter("id", "", "an id", "id is missing"));
    };
    let mut session = api.session(&scope).await?;
    let targets = api
        .read(session.find(id.trim(), Clock::system().now()))
        .await?;
    Ok(answer::json(StatusCode::OK, &json!({"targets": targets})))
}
