//! Every item of a body is an event, or the delivery says why not; and what an event promises to
//! the store holds.

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    meta::{
        event::{Event, Kind, Problem},
        json::MAX_DEPTH,
        split::{self, Context, MAX_ITEMS, Notification},
    },
    plain_json::{self, Item, Outline},
};

/// The longest id that a column holds, in bytes.
const MAX_ID: usize = 512;

/// When the body came, in seconds: 2026-11-20.
const RECEIVED: i64 = 1_795_132_800;

const YEAR: i64 = 365 * 24 * 3600;

/// Reads `data` as the body of a delivery.
pub fn check(data: &[u8]) {
    let body = Bytes::copy_from_slice(data);
    let found = read(&body, RECEIVED);
    for event in &found.events {
        check_event(event);
    }
    if let Some(object) = &found.object {
        assert!((1..=MAX_ID).contains(&object.len()) && !object.contains('\0'));
    }
    match std::str::from_utf8(unmarked(data)) {
        Err(_) => refused(&found, Problem::NotUtf8),
        Ok(text) if plain_json::is_json(text) => check_json(&body, text, &found),
        Ok(text) if text.trim().is_empty() => refused(&found, Problem::Empty),
        Ok(_) => refused(&found, Problem::NotJson),
    }
    check_repeats(&body, &found);
}

/// A body without the byte order mark that it may begin with.
fn unmarked(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

fn read(body: &Bytes, seconds: i64) -> Notification {
    let received_at = Timestamp::from_second(seconds).unwrap();
    let app = "default";
    split::split(body, Context { app, received_at })
}

fn refused(found: &Notification, problem: Problem) {
    assert_eq!(found.unreadable, Some(problem));
    assert_eq!(found.problem(), Some(problem));
    assert!(found.events.is_empty() && found.object.is_none());
}

/// What holds for each event alone.
fn check_event(event: &Event) {
    let ids = [
        &event.field,
        &event.account_id,
        &event.person_id,
        &event.sender_id,
        &event.recipient_id,
        &event.username,
        &event.message_id,
        &event.comment_id,
        &event.media_id,
        &event.parent_id,
    ];
    for id in ids.into_iter().flatten() {
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

/// It is JSON, without what Postgres cannot store.
fn check_data(data: &str) {
    assert!(plain_json::is_json(data));
    match serde_json::from_str::<Value>(data) {
        Ok(value) => assert!(!holds_nul(&value)),
        // JSON has numbers of any size.
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

/// The events of a body that is JSON are its items, one for one.
fn check_json(body: &Bytes, text: &str, found: &Notification) {
    let Outline { items, odd } = plain_json::outline(text);
    if items.len() > MAX_ITEMS {
        assert_eq!(found.unreadable, Some(Problem::TooManyItems));
        assert!(found.events.is_empty());
        return;
    }
    let problem = if plain_json::depth(text) > MAX_DEPTH {
        Problem::TooDeep
    } else {
        Problem::UnknownShape
    };
    assert_eq!(found.unreadable, odd.then_some(problem));
    assert_eq!(found.events.len(), items.len());
    let is_safe = !text.contains("\\u0000") && !text.contains("\\ud") && !text.contains("\\uD");
    for (
        event,
        Item {
            channel,
            text: item,
        },
    ) in found.events.iter().zip(&items)
    {
        assert_eq!(event.channel, *channel);
        let too_deep = plain_json::depth(item) > MAX_DEPTH;
        assert_eq!(event.problem == Some(Problem::TooDeep), too_deep);
        assert_eq!(event.item(body), item.as_bytes());
        if is_safe {
            assert_ne!(event.problem, Some(Problem::UnsafeText));
        }
    }
}

/// The same body is the same events, whenever it comes and however it is spelled.
fn check_repeats(body: &Bytes, found: &Notification) {
    let again = read(body, RECEIVED);
    assert_eq!(
        (&again.events, again.unreadable),
        (&found.events, found.unreadable)
    );
    let keys = |of: &Notification| of.events.iter().map(|it| it.dedupe_key).collect::<Vec<_>>();
    assert_eq!(keys(&read(body, RECEIVED + YEAR)), keys(found));
    assert_eq!(keys(&read(body, RECEIVED - 3 * YEAR)), keys(found));
    let Ok(text) = std::str::from_utf8(unmarked(body)) else {
        return;
    };
    if plain_json::is_json(text) {
        let other = read(&plain_json::respelled(text).into(), RECEIVED);
        assert_eq!(other.unreadable, found.unreadable);
        assert_eq!(
            (&other.object, other.is_test),
            (&found.object, found.is_test)
        );
        let bare = |of: &Notification| of.events.iter().map(without_text).collect::<Vec<_>>();
        assert_eq!(bare(&other), bare(found));
    }
}

/// An event but for the spelling of its text; the key of an item that is nested too deep is made
/// from that.
fn without_text(event: &Event) -> Event {
    let mut bare = event.clone();
    (bare.data, bare.item_start, bare.item_length) = (None, 0, 0);
    if bare.problem == Some(Problem::TooDeep) {
        bare.dedupe_key = Uuid::nil();
    }
    bare
}
