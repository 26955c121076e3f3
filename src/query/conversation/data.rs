//! Fields in the `data` of an event.

use std::collections::BTreeMap;

use serde_json::Value;

use super::line::Attachment;
use crate::store::read::EventRow;

/// Fields of `data` with a place of their own in a line.
const ELSEWHERE: &[&str] = &["attachments", "app_id", "reply_to", "emoji", "reaction"];

fn object(event: &EventRow) -> Value {
    let data = event.data.as_ref().map_or("{}", |data| data.get());
    serde_json::from_str(data).unwrap_or_default()
}

/// Value as text; `None` for null, lists and objects.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

/// Text of a field.
pub(in crate::query) fn text(event: &EventRow, name: &str) -> Option<String> {
    object(event).get(name).and_then(scalar)
}

/// Text at a JSON pointer.
pub(super) fn path(event: &EventRow, pointer: &str) -> Option<String> {
    object(event).pointer(pointer).and_then(scalar)
}

/// Number of a field; zero if missing.
pub(super) fn count(event: &EventRow, name: &str) -> i64 {
    let value = object(event);
    value.get(name).and_then(Value::as_i64).unwrap_or(0)
}

/// Fields without a place of their own, under their paths.
pub(super) fn details(event: &EventRow) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    if let Value::Object(fields) = object(event) {
        let fields = fields.into_iter();
        for (name, value) in fields.filter(|(name, _)| !ELSEWHERE.contains(&name.as_str())) {
            collect(name, &value, &mut found);
        }
    }
    found
}

fn collect(path: String, value: &Value, found: &mut BTreeMap<String, String>) {
    if let Value::Object(fields) = value {
        for (name, value) in fields {
            collect(format!("{path}.{name}"), value, found);
        }
    } else if let Some(text) = scalar(value) {
        found.insert(path, text);
    } else if let Value::Array(_) = value {
        found.insert(path, value.to_string());
    }
}

/// Attachments of a message.
pub(super) fn attachments(event: &EventRow) -> Vec<Attachment> {
    let data = object(event);
    let list = data.get("attachments").and_then(Value::as_array);
    list.into_iter().flatten().map(attachment).collect()
}

/// The URL and title are in the payload, or beside it.
fn attachment(value: &Value) -> Attachment {
    let inside = |name: &str| value.pointer(&format!("/payload/{name}")).and_then(scalar);
    let either = |name: &str| inside(name).or_else(|| value.get(name).and_then(scalar));
    Attachment {
        kind: value.get("type").and_then(scalar).unwrap_or_default(),
        url: either("url").or_else(|| inside("story_media_url")),
        title: either("title"),
    }
}
