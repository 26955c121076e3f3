//! Columns of an event that a parser reads from its item.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    meta::{
        event::{Channel, Event, OccurredAtSource, Problem},
        ids::Ids,
    },
    store::values::kept,
};

/// Columns of `stored_events`, by name. The statement leaves out the values of `field`, `sender_id`
/// and `recipient_id` that follow from other columns.
#[derive(Serialize)]
struct Columns<'e> {
    occurred_at: Option<String>,
    occurred_at_source: Option<&'static str>,
    kind: &'static str,
    field: Option<&'e str>,
    channel: Option<&'static str>,
    account_id: Option<&'e str>,
    person_id: Option<&'e str>,
    sender_id: Option<&'e str>,
    recipient_id: Option<&'e str>,
    username: Option<&'e str>,
    text: Option<&'e str>,
    is_echo: bool,
    is_self: bool,
    data: Option<&'e RawValue>,
    problem: Option<&'static str>,
    #[serde(flatten)]
    ids: Ids<Option<String>>,
}

/// The columns of `event` as a JSON object.
pub(super) fn columns(event: &Event) -> String {
    let data = event.data.as_deref();
    let source = Some(event.occurred_at_source).filter(|it| *it != OccurredAtSource::Item);
    let channel = Some(event.channel).filter(|it| *it != Channel::Messaging);
    let columns = Columns {
        occurred_at: event.occurred_at.map(|at| kept(at).to_string()),
        occurred_at_source: source.map(OccurredAtSource::as_str),
        kind: event.kind.as_str(),
        field: event.field.as_deref(),
        channel: channel.map(Channel::as_str),
        account_id: event.account_id.as_deref(),
        person_id: event.person_id.as_deref(),
        sender_id: event.sender_id.as_deref(),
        recipient_id: event.recipient_id.as_deref(),
        username: event.username.as_deref(),
        text: event.text.as_deref(),
        is_echo: event.is_echo,
        is_self: event.is_self,
        data: data.and_then(|data| serde_json::from_str(data).ok()),
        problem: event.problem.map(Problem::as_str),
        ids: event
            .ids
            .clone()
            .map(|id| id.as_ref().map(ToString::to_string)),
    };
    serde_json::to_string(&columns).unwrap_or_default()
}
