//! Page of events: *which events match?* A list with filters, and an open event beside it.

use askama::Template;
use axum::{extract::State, response::Response, routing::get};
use jiff::{SignedDuration, Timestamp};

use super::{
    Page,
    accounts::AccountNames,
    answer::{page, rendered},
    chart::{Chart, Size},
    copies::{self, CopyEntry},
    event::{Detail, FIND, detail, take_term},
    event_line::{EventLine, Said},
    filters::Filters,
    frame::{EVENTS, Frame},
    newer::Newer,
    period::Period,
    text,
    times::Times,
    visit::Visit,
};
use crate::{
    http::{
        access::Viewer,
        api::{
            Api, Asked, Shared,
            events::{Listed, listed},
            filters::{FILTERS, PAGE as PART, SEARCHES, event_filter, page as part},
            shown,
        },
        parameter::{Form, Parameter},
        parameters::Parameters,
        problem::Problem,
    },
    query::{Dimension, EventFilter, EventForm, Session, StatsFilter},
};

/// Parameters that choose the view.
const VIEW: &[Parameter] = &[
    Parameter::of(
        "open",
        "Position of the event beside the list.",
        Form::Position,
    ),
    Parameter::of("stop", "Do not continue the search.", Form::Flag),
];

pub(super) const PAGE: Page = Page {
    path: "/events",
    handler: || get(show),
    parameters: &[FILTERS, SEARCHES, PART, VIEW, FIND],
};

/// Parameters that the chart applies, or that do not filter.
const COUNTABLE: [&str; 12] = [
    "kind", "app", "client", "account", "source", "since", "until", "order", "after", "before",
    "open", "stop",
];

/// Time of the counts if the list has no start.
const COUNTED: SignedDuration = SignedDuration::from_hours(24);

#[derive(Template)]
#[template(path = "events.html", blocks = ["main"])]
struct EventsPage {
    frame: Frame,
    lines: Vec<EventLine>,
    chart: Chart,
    /// Filters that the chart does not apply.
    ignored: Vec<&'static str>,
    filters: Filters,
    is_narrowed: bool,
    /// Number of events in the time of the list, before the other filters.
    counted: i64,
    /// Time in which they came, in words.
    counted_in: &'static str,
    newer: Option<String>,
    older: Option<String>,
    /// Link to events that come from now on.
    fresh: Option<Newer>,
    /// Time to which a search came.
    searched: Option<Timestamp>,
    /// True if a search that found nothing yet continues by itself.
    continues: bool,
    open: Option<Detail>,
    copies: Vec<CopyEntry>,
}

rendered!(EventsPage);

async fn show(
    State(api): Shared,
    Viewer(scope): Viewer,
    visit: Visit,
    mut asked: Asked,
) -> Result<Response, Problem> {
    let term = take_term(&mut asked)?;
    let parameters = &asked.parameters;
    let list = List::of(listed(&api, &scope, &asked).await?, parameters)?;
    let opened = parameters.position("open")?;
    let open = match opened {
        Some(position) => Some(detail(&api, (&scope, &asked, &visit), position, term).await?),
        None => None,
    };
    let mut session = api.session(&scope).await?;
    let names = AccountNames::of(&api, &mut session, list.events.iter()).await?;
    let counts = counts(&api, &mut session, parameters, visit.now).await?;
    let filter = event_filter(&api, &mut session, parameters).await?;
    let part = part(filter.unwrap_or_else(EventFilter::nothing), parameters)?;
    let copies = copies::of_events(&visit, &scope, parameters, (part, list.searched));
    let address = |changes: &[(&str, String)]| shown::url(EVENTS.path, parameters, changes);
    let filters = Filters::of_events(EVENTS.path, parameters, &counts.rows, address);
    let chart = chart(&api, &mut session, parameters, &visit).await?;
    let line_of = |event| {
        let line = EventLine::of(event, &names);
        let position = line.position;
        line.in_list(
            address(&[("open", position.to_string())]),
            opened == Some(position),
        )
    };
    let events = EventsPage {
        lines: list.events.iter().map(line_of).collect(),
        is_narrowed: filters.is_narrowed() || is_part(parameters),
        counted: counts.events,
        counted_in: match parameters.get("since").or(parameters.get("until")) {
            Some(_) => "in this time",
            None => "in the last 24 hours",
        },
        fresh: list.fresh,
        newer: list.newer,
        older: list.older,
        searched: list.searched,
        continues: list.events.is_empty() && parameters.flag("stop")? != Some(true),
        frame: Frame::new(&visit, Some(&scope), EVENTS.name, Some(&EVENTS)),
        ignored: ignored(parameters),
        chart,
        filters,
        open,
        copies,
    };
    Ok(page(&visit, &events))
}

/// Events of a page, the newest first, and the links to its neighbours.
struct List {
    events: Vec<EventForm>,
    newer: Option<String>,
    older: Option<String>,
    fresh: Option<Newer>,
    searched: Option<Timestamp>,
}

impl List {
    /// The list that the API answers. An export is no page.
    fn of(listed: Listed, parameters: &Parameters) -> Result<Self, Problem> {
        match listed {
            Listed::Page(mut list) => {
                let (mut newer, mut older) = (list.previous, list.next);
                if is_oldest_first(parameters) {
                    list.events.reverse();
                    (newer, older) = (older, newer);
                }
                let is_first = parameters
                    .get("after")
                    .or(parameters.get("before"))
                    .is_none();
                // An event may have come after the end was read.
                let end: Option<i64> = list.as_of_position.parse().ok();
                let end = end.max(list.events.first().map(|event| event.columns().position));
                let is_last = is_first && parameters.get("until").is_none();
                let is_last = is_last && !is_oldest_first(parameters);
                Ok(Self {
                    events: list.events,
                    newer: newer.filter(|_| !is_first).as_deref().map(page_of),
                    older: older.as_deref().map(page_of),
                    fresh: end
                        .filter(|_| is_last)
                        .map(|end| Newer::behind(parameters, end)),
                    searched: None,
                })
            }
            Listed::Found(found) => Ok(Self {
                events: found.events,
                newer: None,
                fresh: None,
                older: found.next.as_deref().map(page_of),
                searched: Some(found.searched_until),
            }),
            Listed::Export(_) => Err(Problem::not_found()),
        }
    }
}

/// True if the request is for a part of the list by time, client or position.
fn is_part(parameters: &Parameters) -> bool {
    let parts = ["client", "since", "until", "after", "before"];
    parts.into_iter().any(|name| parameters.get(name).is_some())
}

fn is_oldest_first(parameters: &Parameters) -> bool {
    match parameters.get("order") {
        Some(order) => order == "oldest",
        None => parameters.get("after").is_some() && parameters.get("before").is_none(),
    }
}

/// Page of a route of the API: the same path without its version.
fn page_of(url: &str) -> String {
    url.replacen("/v1/", "/", 1)
}

/// Counts of the events by kind in the time of the list, and of its account.
pub(super) async fn counts(
    api: &Api,
    session: &mut Session,
    parameters: &Parameters,
    now: Timestamp,
) -> Result<crate::query::Counts, Problem> {
    let filter = StatsFilter {
        kinds: Vec::new(),
        sources: Vec::new(),
        ..countable(api, session, parameters).await?
    };
    let filter = StatsFilter {
        since: filter.since.or(now.checked_sub(COUNTED).ok()),
        ..filter
    };
    let stats = api.read(session.stats(&filter, &[Dimension::Kind])).await?;
    Ok(stats.counts)
}

/// The filters of the list by which events are counted.
async fn countable(
    api: &Api,
    session: &mut Session,
    parameters: &Parameters,
) -> Result<StatsFilter, Problem> {
    let filter = event_filter(api, session, parameters).await?;
    let filter = filter.unwrap_or_else(EventFilter::nothing);
    Ok(StatsFilter {
        kinds: filter.kinds,
        app: filter.app,
        account_ids: filter.account_ids,
        client: filter.client,
        sources: filter.sources,
        since: filter.since,
        until: filter.until,
    })
}

/// Chart of the events in the time of the list. A bar narrows the list to its time.
async fn chart(
    api: &Api,
    session: &mut Session,
    parameters: &Parameters,
    visit: &Visit,
) -> Result<Chart, Problem> {
    let filter = countable(api, session, parameters).await?;
    let period = Period::of(filter.since, filter.until, visit.now);
    let buckets = period.count(api, session, &filter).await?;
    let times = Times::new(&visit.preferences, visit.now);
    let link = |since: Timestamp, until: Timestamp| {
        let place = ["after", "before", "open"].map(|name| (name, String::new()));
        let time = [("since", since.to_string()), ("until", until.to_string())];
        let changes = [&time[..], &place[..]].concat();
        shown::url(EVENTS.path, parameters, &changes)
    };
    Ok(Chart::draw((&period, buckets), Size::Low, &times, link))
}

/// Filters that counts do not know.
fn ignored(parameters: &Parameters) -> Vec<&'static str> {
    let is_counted = |name: &str| COUNTABLE.contains(&name);
    let given = parameters.pairs().map(|(name, _)| name);
    given.filter(|name| !is_counted(name)).collect()
}
