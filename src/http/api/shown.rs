//! JSON of rows as the API shows them.

use serde_json::{Value, json};

use super::super::parameters::Parameters;
use crate::query::{self, EventRow, Scope};

/// JSON of an event, without content if the scope does not show it.
pub(super) fn event(event: &EventRow, scope: &Scope) -> Value {
    let _ = scope;
    serde_json::to_value(event).unwrap_or_default()
}

/// JSON of events.
pub(super) fn events(events: &[EventRow], scope: &Scope) -> Vec<Value> {
    events.iter().map(|it| event(it, scope)).collect()
}

/// URL of another part of a list: the same parameters with `changes`. An empty value removes a
/// parameter.
pub(super) fn url(path: &str, parameters: &Parameters, changes: &[(&str, String)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let is_changed = |name: &str| changes.iter().any(|(changed, _)| *changed == name);
    for (name, value) in parameters.pairs().filter(|(name, _)| !is_changed(name)) {
        query.append_pair(name, value);
    }
    for (name, value) in changes.iter().filter(|(_, value)| !value.is_empty()) {
        query.append_pair(name, value);
    }
    format!("{path}?{}", query.finish())
}

/// JSON of a position.
pub(super) fn position(position: i64) -> Value {
    json!(position.to_string())
}

pub(super) use query::Order;
