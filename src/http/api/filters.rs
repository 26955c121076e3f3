//! Filters and pages of events, in the words of the command line, and the look-up of accounts.

use super::{Api, in_path};
use crate::{
    http::{
        parameters::{Parameter, Parameters},
        problem::Problem,
    },
    meta::event::{Kind, Problem as EventProblem, Source},
    query::{Between, EventFilter, EventPage, Order, Session},
};

/// Filters of events that look at ids and columns.
pub(super) const FILTERS: &[Parameter] = &[
    Parameter::list(
        "kind",
        "Kind of event, such as comment; several kinds with commas.",
    ),
    Parameter::one(
        "field",
        "Subscription field in Meta's spelling for Instagram.",
    ),
    Parameter::one("app", "Name of the configured app."),
    Parameter::one("client", "Client of the account."),
    Parameter::one("account", "Professional account: id, label or user name."),
    Parameter::one("person", "Other party: Instagram-scoped id."),
    Parameter::one("message", "Message id."),
    Parameter::one("comment", "Comment id."),
    Parameter::one("media", "Media id."),
    Parameter::one("delivery", "Delivery id."),
    Parameter::list(
        "source",
        "Source of the delivery: live, test, simulated, replayed, backfill.",
    ),
    Parameter::one("problem", "Problem of the event."),
    Parameter::one("echo", "true for echoes only, false for none."),
    Parameter::one(
        "username",
        "User name of the other party, in upper or lower case.",
    ),
    Parameter::one(
        "since",
        "Received at this time or later: a time, a date, today, 2h.",
    ),
    Parameter::one("until", "Received before this time."),
];

/// Searches of content.
pub(super) const SEARCHES: &[Parameter] = &[
    Parameter::one("text", "Part of the written text, in upper or lower case."),
    Parameter::one(
        "payload",
        "Part of the item's own JSON, in upper or lower case.",
    ),
];

/// Part of the list.
pub(super) const PAGE: &[Parameter] = &[
    Parameter::one(
        "order",
        "newest or oldest first. If unset: oldest with after, else newest.",
    ),
    Parameter::one("after", "Positions greater than this one."),
    Parameter::one("before", "Positions less than this one."),
    Parameter::one(
        "limit",
        "Maximum number of events, from 1 to 1000. If unset: 100.",
    ),
    Parameter::one(
        "wait",
        "Seconds to wait for an event behind after, from 0 to 30.",
    ),
];

/// Default and maximum number of events of a page.
const LIMIT: u32 = 100;
const MOST: u32 = 1000;

/// Ids of the accounts that the filter `account` names; empty if it is not given. An id may have its
/// first event later. A name that no visible account has is refused, since it may be misspelt.
pub(super) async fn accounts(
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
pub(super) async fn accounts_in_path(
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
pub(super) async fn event_filter(
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
        username: parameters.text("username")?,
        text: searched(parameters, "text")?,
        payload: searched(parameters, "payload")?,
        since: parameters.moment("since")?,
        until: parameters.moment("until")?,
        ..EventFilter::default()
    };
    filter.account_ids = accounts(api, session, parameters).await?;
    let allowed = "the id of a delivery, such as 0199a7c2-9b3e-7c4d-8a51-3f2e1d0c9b8a";
    if let Some(id) = parameters.parse("delivery", allowed, |text| text.parse().ok())? {
        let items = session.items_of(id).await;
        filter.delivery = items.map_err(|error| api.problem(&error))?;
        if filter.delivery.is_none() {
            return Ok(None);
        }
    }
    Ok(Some(filter))
}

/// A text to search for.
fn searched(parameters: &Parameters, name: &str) -> Result<Option<String>, Problem> {
    parameters.parse(name, "1 to 200 characters without U+0000", |text| {
        let is_text = (1..=200).contains(&text.chars().count()) && !text.contains('\0');
        is_text.then(|| text.to_owned())
    })
}

/// Reads the part of the list.
pub(super) fn page(filter: EventFilter, parameters: &Parameters) -> Result<EventPage, Problem> {
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
        limit: parameters.number("limit", 1..=MOST)?.unwrap_or(LIMIT),
    })
}
