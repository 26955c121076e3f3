//! Invariants of each event of any body, for property tests and fuzzing.

use serde::de::IgnoredAny;
use serde_json::Value;

use crate::meta::event::{Event, Kind, Problem};

/// Maximum length of an id in bytes.
pub(crate) const MAX_ID: usize = 512;

/// Checks the properties of an event that the store relies on.
pub(crate) fn check_event(event: &Event) {
    let ids = [
        &event.field,
        &event.account_id,
        &event.person_id,
        &event.sender_id,
        &event.recipient_id,
        &event.username,
    ];
    for id in ids.into_iter().chain(event.ids.each()).flatten() {
        assert!((1..=MAX_ID).contains(&id.len()), "{} bytes", id.len());
        assert!(!id.contains('\0'));
    }
    assert!(!event.text.as_ref().is_some_and(|text| text.contains('\0')));
    if event.problem == Some(Problem::TooDeep) {
        assert_eq!(event.kind, Kind::Unknown);
    }
    if let Some(data) = &event.data {
        check_data(data);
    }
}

/// Checks that Postgres can store the own fields: JSON without U+0000 and unpaired surrogates.
fn check_data(data: &str) {
    assert!(serde_json::from_str::<IgnoredAny>(data).is_ok());
    match serde_json::from_str(data) {
        Ok(value) => assert!(!holds_nul(&value)),
        // JSON numbers may have any size.
        Err(error) => assert!(error.to_string().starts_with("number out of range")),
    }
}

fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(list) => list.iter().any(holds_nul),
        Value::Object(pairs) => pairs
            .iter()
            .any(|(key, value)| key.contains('\0') || holds_nul(value)),
        _ => false,
    }
}
