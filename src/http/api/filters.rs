//! Filters and pages of events, in the words of the command line, and the look-up of accounts.

use super::{Api, in_path};
use crate::{
    http::{
        parameter::{Form, Parameter},
        parameters::Parameters,
        problem::Problem,
    },
    meta::event::{Kind, Problem as EventProblem, Source},
    query::{Between, EventFilter, EventPage, Order, Session},
};

pub(in crate::http) const APP: Parameter = Parameter::one("app", "Name of the configured app.");

pub(in crate::http) const CLIENT: Parameter = Parameter::one("client", "Client of the account.");

pub(in crate::http) const ACCOUNT: Parameter =
    Parameter::one("account", "Professional account: id, label or user name.");

pub(in crate::http) const KIND: Parameter = Parameter::of(
    "kind",
    "Kinds of events.",
    Form::SomeOf(|| names(Kind::ALL, Kind::as_str)),
);

pub(in crate::http) const SOURCE: Parameter = Parameter::of(
    "source",
    "Sources of the deliveries.",
    Form::SomeOf(|| names(Source::ALL, Source::as_str)),
);

pub(in crate::http) const PROBLEM: Parameter = Parameter::of(
    "problem",
    "Problem on reading it.",
    Form::OneOf(|| names(EventProblem::ALL, EventProblem::as_str)),
);

/// The same for deliveries, which can be narrowed to those with any problem.
pub(in crate::http) const PROBLEM_OR_ANY: Parameter = Parameter::of(
    "problem",
    "Problem on reading it, or any.",
    Form::OneOf(problem_names),
);

pub(in crate::http) const LIMIT: Parameter = Parameter::of(
    "limit",
    "Maximum number of entries.",
    Form::Number(1, 1000, 100),
);

/// Limit of a list of small rows.
pub(in crate::http) const LARGE_LIMIT: Parameter = Parameter::of(
    "limit",
    "Maximum number of entries.",
    Form::Number(1, 10_000, 100),
);

/// A time from which on something is listed.
pub(in crate::http) const fn since(about: &'static str) -> Parameter {
    Parameter::of("since", about, Form::Moment)
}

/// A time before which something is listed.
pub(in crate::http) const fn until(about: &'static str) -> Parameter {
    Parameter::of("until", about, Form::Moment)
}

/// Names of an enumeration.
pub(in crate::http) fn names<T: Copy>(all: &[T], name: fn(T) -> &'static str) -> Vec<&'static str> {
    all.iter().map(|it| name(*it)).collect()
}

/// Name of all problems.
const ANY: &str = "any";

/// Names of the problems that the list can be narrowed to.
pub(in crate::http) fn problem_names() -> Vec<&'static str> {
    let each = names(EventProblem::ALL, EventProblem::as_str);
    [vec![ANY], each].concat()
}

/// Problems that a request chooses; empty for any delivery.
pub(in crate::http) fn problems(parameters: &Parameters) -> Result<Vec<EventProblem>, Problem> {
    if parameters.get("problem") == Some(ANY) {
        return Ok(EventProblem::ALL.to_vec());
    }
    let one = parameters.one_of("problem", EventProblem::ALL, EventProblem::as_str)?;
    Ok(one.into_iter().collect())
}

/// Filters of events that look at ids and columns.
pub(in crate::http) const FILTERS: &[Parameter] = &[
    KIND,
    Parameter::one(
        "field",
        "Subscription field in Meta's spelling for Instagram.",
    ),
    APP,
    CLIENT,
    ACCOUNT,
    Parameter::one("person", "Other party: Instagram-scoped id."),
    Parameter::one("message", "Message id."),
    Parameter::one("comment", "Comment id."),
    Parameter::one("media", "Media id."),
    Parameter::of("delivery", "Delivery id.", Form::Delivery),
    SOURCE,
    PROBLEM,
    Parameter::of("echo", "true for echoes only, false for none.", Form::Flag),
    Parameter::of(
        "late",
        "true for events received more than an hour after they occurred, false for the others.",
        Form::Flag,
    ),
    Parameter::one(
        "username",
        "User name of the other party, in upper or lower case.",
    ),
    since("Received at this time or later."),
    until("Received before this time."),
];

/// Searches of content.
pub(in crate::http) const SEARCHES: &[Parameter] = &[
    Parameter::of(
        "text",
        "Part of the written text, in upper or lower case.",
        Form::Search,
    ),
    Parameter::of(
        "payload",
        "Part of the item's own JSON, in upper or lower case.",
        Form::Search,
    ),
];

/// Part of the list.
pub(in crate::http) const PAGE: &[Parameter] = &[
    Parameter::of(
        "order",
        "newest or oldest first. If unset: oldest with after, else newest.",
        Form::OneOf(|| names(Order::ALL, Order::as_str)),
    ),
    Parameter::of("after", "Positions greater than this one.", Form::Position),
    Parameter::of("before", "Positions less than this one.", Form::Position),
    LIMIT,
    Parameter::of(
        "wait",
        "Seconds to wait for an event behind after.",
        Form::Number(0, 30, 0),
    ),
];

/// Ids of the accounts that the filter `account` names; empty if it is not given. An id may have its
/// first event later. A name that no visible account has is refused, since it may be misspelt.
pub(in crate::http) async fn accounts(
    api: &Api,
    session: &mut Session,
    parameters: &Parameters,
) -> Result<Vec<String>, Problem> {
    let Some(name) = parameters.text("account")? else {
        return Ok(Vec::new());
    };
    let ids = api.read(session.account_ids(&name)).await?;
    if !ids.is_empty() {
        Ok(ids)
    } else if name.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(vec![name])
    } else {
        let allowed = "an id, or the label or user name of an account";
        let detail = "no account has this label or user name";
        Err(Problem::parameter("account", &name, allowed, detail))
    }
}

/// Ids of the accounts that a path names by id, label or user name.
pub(in crate::http) async fn accounts_in_path(
    api: &Api,
    session: &mut Session,
    name: String,
) -> Result<Vec<String>, Problem> {
    let ids = api.read(session.account_ids(&in_path(name)?)).await?;
    if ids.is_empty() {
        return Err(Problem::not_found());
    }
    Ok(ids)
}

/// Reads the filters. `None` if no event can meet them, because the delivery is unknown.
pub(in crate::http) async fn event_filter(
    api: &Api,
    session: &mut Session,
    parameters: &Parameters,
) -> Result<Option<EventFilter>, Problem> {
    let mut filter = EventFilter {
        kinds: parameters.several("kind", Kind::ALL, Kind::as_str)?,
        sources: parameters.several("source", Source::ALL, Source::as_str)?,
        field: parameters.text("field")?,
        app: parameters.text("app")?,
        client: parameters.text("client")?,
        person_id: parameters.text("person")?,
        message_id: parameters.text("message")?,
        comment_id: parameters.text("comment")?,
        media_id: parameters.text("media")?,
        problem: parameters.one_of("problem", EventProblem::ALL, EventProblem::as_str)?,
        is_echo: parameters.flag("echo")?,
        is_late: parameters.flag("late")?,
        username: parameters.text("username")?,
        text: parameters.search("text")?,
        payload: parameters.search("payload")?,
        since: parameters.moment("since")?,
        until: parameters.moment("until")?,
        ..EventFilter::default()
    };
    let delivery = parameters.delivery("delivery")?;
    filter.account_ids = accounts(api, session, parameters).await?;
    if let Some(id) = delivery {
        let items = session.items_of(id).await;
        filter.delivery = items.map_err(|error| api.problem(&error))?;
        if filter.delivery.is_none() {
            return Ok(None);
        }
    }
    Ok(Some(filter))
}

/// Reads the part of the list.
pub(in crate::http) fn page(
    filter: EventFilter,
    parameters: &Parameters,
) -> Result<EventPage, Problem> {
    let range = Between {
        after: parameters.position("after")?,
        before: parameters.position("before")?,
    };
    let order = parameters.one_of("order", Order::ALL, Order::as_str)?;
    let default = match range {
        Between {
            after: Some(_),
            before: None,
        } => Order::Oldest,
        _ => Order::Newest,
    };
    Ok(EventPage {
        filter,
        range,
        order: order.unwrap_or(default),
        limit: parameters.number("limit")?,
    })
}
