//! Filters of replays as JSON: the parameters of `GET /v1/events` that choose events.

use form_urlencoded::Serializer;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::{
    http::{
        api::filters::{FILTERS, SEARCHES},
        parameters::{Known, Parameters},
        problem::Problem,
    },
    meta::event::{Kind, Problem as EventProblem, Source},
    query::EventFilter,
};

const KNOWN: Known = &[FILTERS, SEARCHES];

/// Filters with content.
const CONTENT: [&str; 3] = ["text", "payload", "username"];

/// Parses a filter as the parameters of a query. A list may have several names.
pub(super) fn parse(filter: &Map<String, Value>) -> Result<Parameters, Problem> {
    let mut query = Serializer::new(String::new());
    for (name, value) in filter {
        let values = match value {
            Value::Array(values) => values.as_slice(),
            one => std::slice::from_ref(one),
        };
        for value in values {
            query.append_pair(name, &text(name, value)?);
        }
    }
    Parameters::of(Some(&query.finish()), KNOWN).map_err(Problem::in_body)
}

fn text(name: &str, value: &Value) -> Result<String, Problem> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => {
            let allowed = "a text, a number, true, false, or a list of texts";
            Err(Problem::value(name, &value.to_string(), allowed))
        }
    }
}

/// JSON of a filter. Times are exact, and accounts are ids.
pub(super) fn shown(filter: &EventFilter) -> Map<String, Value> {
    let kinds = filter.kinds.iter().copied().map(Kind::as_str);
    let sources = filter.sources.iter().copied().map(Source::as_str);
    let accounts = filter.account_ids.iter().map(String::as_str);
    let lists = [
        ("kind", kinds.collect::<Vec<_>>()),
        ("source", sources.collect()),
        ("account", accounts.collect()),
    ];
    let lists = lists.into_iter().filter(|(_, list)| !list.is_empty());
    let lists = lists.map(|(name, list)| (name, json!(list)));
    let values = [
        ("field", json!(filter.field)),
        ("app", json!(filter.app)),
        ("client", json!(filter.client)),
        ("person", json!(filter.person_id)),
        ("message", json!(filter.message_id)),
        ("comment", json!(filter.comment_id)),
        ("media", json!(filter.media_id)),
        ("delivery", json!(filter.delivery.map(|it| it.id))),
        ("problem", json!(filter.problem.map(EventProblem::as_str))),
        ("echo", json!(filter.is_echo)),
        ("late", json!(filter.is_late)),
        ("username", json!(filter.username)),
        ("text", json!(filter.text)),
        ("payload", json!(filter.payload)),
        ("since", json!(filter.since)),
        ("until", json!(filter.until)),
    ];
    let values = values.into_iter().filter(|(_, value)| !value.is_null());
    let all = lists.chain(values);
    all.map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Replaces content by null, and returns the names of these filters.
pub(super) fn mask(filter: &mut Map<String, Value>) -> Vec<&'static str> {
    let mut masked = Vec::new();
    for name in CONTENT {
        if let Some(value) = filter.get_mut(name) {
            *value = Value::Null;
            masked.push(name);
        }
    }
    masked
}

/// JSON Schema of a filter.
pub(super) fn schema(_: &mut SchemaGenerator) -> Schema {
    let all = KNOWN.iter().copied().flatten();
    let properties: Map<_, _> = all
        .map(|it| {
            let mut form = it.form.schema();
            if it.is_list() {
                form = json!({"anyOf": [form["items"], form]});
            }
            form["description"] = it.about.into();
            (it.name.to_owned(), form)
        })
        .collect();
    let object = json!({"type": "object", "properties": properties, "additionalProperties": false});
    Schema::try_from(object).unwrap_or_default()
}
