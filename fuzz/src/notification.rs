//! Every item of a body is an event, or the delivery says why not; and what an event promises to
//! the store holds.

use bytes::Bytes;
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    meta::{
        event::{Event, Problem},
        json::MAX_DEPTH,
        split::{self, Context, MAX_ITEMS, Notification},
    },
    plain_json::{self, Item, Outline},
};
use promises::{MAX_ID, check_event};

#[path = "../../src/meta/split/tests/promises.rs"]
mod promises;

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
