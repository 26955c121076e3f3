//! Property tests of the split on random bodies.

use std::collections::HashMap;

use proptest::{collection::vec, prelude::*};
use serde_json::value::RawValue;

use super::{promises::check_event, read};
use crate::meta::{event::Event, split::places};

/// Keys with a meaning, and one without.
const KEYS: [&str; 24] = [
    "object",
    "entry",
    "id",
    "time",
    "changes",
    "messaging",
    "standby",
    "changed_fields",
    "field",
    "value",
    "message",
    "mid",
    "text",
    "is_deleted",
    "is_echo",
    "attachments",
    "payload",
    "sender",
    "recipient",
    "timestamp",
    "from",
    "media",
    "reaction",
    "other",
];

/// Text of any JSON value, including ids, times and escapes that are invalid for Meta.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?[1-9][0-9]{0,24}",
        "[1-9]\\.[0-9]{1,3}e[0-9]{1,2}",
        "\"[a-z0-9äß/ ]{0,12}\"",
        "\"(\\\\u[0-9a-fA-F]{4}|\\\\u0000|\\\\ud83d|\\\\\\\\|\\\\n){0,6}\"",
        "\"[0-9]{500,520}\"",
        prop::sample::select(&["comments", "messages", "instagram", "page", "standby"][..])
            .prop_map(|word| format!("\"{word}\"")),
    ];
    leaf.prop_recursive(6, 40, 5, |inner| {
        let pair = (prop::sample::select(&KEYS[..]), inner.clone())
            .prop_map(|(key, value)| format!("\"{key}\": {value}"));
        prop_oneof![
            vec(inner, 0..5).prop_map(|list| format!("[{}]", list.join(" ,"))),
            vec(pair, 0..5).prop_map(|pairs| format!("{{{}}}", pairs.join(","))),
        ]
    })
}

/// A container with its items.
fn container() -> impl Strategy<Value = (&'static str, Vec<String>)> {
    let name = prop::sample::select(&["changes", "messaging", "standby", "changed_fields"][..]);
    (name, vec(json(), 0..4))
}

/// Number of events of a change: one for each member if its value is a list.
fn members(change: &str) -> usize {
    let pairs: Result<HashMap<String, &RawValue>, _> = serde_json::from_str(change);
    let value = pairs.ok().and_then(|mut pairs| pairs.remove("value"));
    let list = value.and_then(|value| serde_json::from_str::<Vec<&RawValue>>(value.get()).ok());
    list.map_or(1, |list| list.len().max(1))
}

/// Entries and their number of items. The last of a repeated container counts.
fn entries() -> impl Strategy<Value = (String, usize)> {
    let entry = (vec(container(), 0..4), json(), any::<bool>());
    let entry = entry.prop_map(|(containers, id, flat)| {
        let mut text = format!("{{\"id\":{id}");
        let mut counts = HashMap::new();
        for (name, items) in containers {
            text += &[",\"", name, "\":[", &items.join(","), "]"].concat();
            let events = |item: &String| if name == "changes" { members(item) } else { 1 };
            counts.insert(name, items.iter().map(events).sum());
        }
        text += if flat {
            ",\"field\":\"comments\"}"
        } else {
            "}"
        };
        (text, counts.values().sum::<usize>() + usize::from(flat))
    });
    vec(entry, 0..4).prop_map(|entries| {
        let (texts, counts): (Vec<_>, Vec<_>) = entries.into_iter().unzip();
        (format!("[{}]", texts.join(",")), counts.iter().sum())
    })
}

/// Checks that the places of the items in `body` are those of the events.
fn check_places(body: &str, events: &[Event]) {
    let of_events = events.iter().map(|event| {
        let start = usize::try_from(event.item_start).unwrap();
        (start, event.item(body.as_bytes()))
    });
    let places = places(body.as_bytes());
    let places = places
        .iter()
        .map(|place| (place.start, place.item.as_bytes()));
    assert!(of_events.eq(places), "{body}");
}

proptest! {
    #[test]
    fn any_bytes_are_read(body: Vec<u8>) {
        read(body);
    }

    #[test]
    fn any_json_is_read(body in json()) {
        let found = read(&body);
        for event in &found.events {
            check_event(event);
        }
        check_places(&body, &found.events);
    }

    #[test]
    fn any_damage_is_survived((body, _) in entries(), at: prop::sample::Index, byte: u8) {
        let mut body = format!(r#"{{"object":"instagram","entry":{body}}}"#).into_bytes();
        let at = at.index(body.len());
        body[at] = byte;
        for event in read(body).events {
            check_event(&event);
        }
    }

    #[test]
    fn there_are_as_many_events_as_items((entries, items) in entries()) {
        let body = format!(r#"{{"object":"instagram","entry":{entries}}}"#);
        let found = read(&body);
        check_places(&body, &found.events);
        prop_assert_eq!(found.events.len(), items);
        for event in &found.events {
            check_event(event);
        }
    }
}
