//! Tests of the notifications of a delivery: our own parser reads them as it read the delivery.

mod masks;
mod properties;

use std::collections::HashSet;

use bytes::Bytes;
use secrecy::SecretString;
use serde::de::IgnoredAny;
use uuid::Uuid;

use super::{HubSigner, NewItem, notifications};
use crate::config::Mask;
use crate::meta::{
    event::Event,
    samples::{fill, samples},
    signature::Secrets,
    split::{Context, split},
};

/// Account and person of an event, or its position if it has no person.
type Lane<'e> = (Option<&'e str>, Option<&'e str>, i64);

fn read(body: &Bytes) -> Vec<Event> {
    let context = Context {
        app: "default",
        received_at: "2026-11-20T12:00:00Z".parse().unwrap(),
    };
    split(body, context).events
}

/// The events as new items, at the positions from 0.
fn items(events: &[Event]) -> Vec<NewItem<Lane<'_>>> {
    let positions = (0..).zip(events);
    positions
        .map(|(position, event)| new_item(position, event))
        .collect()
}

fn new_item(position: i64, event: &Event) -> NewItem<Lane<'_>> {
    let lane = match &event.person_id {
        Some(person) => (event.account_id.as_deref(), Some(&**person), -1),
        None => (None, None, position),
    };
    NewItem {
        position,
        start: event.item_start,
        lane,
    }
}

/// Bodies of the notifications with all items of `body`.
fn bodies(body: &str) -> Vec<String> {
    let body = Bytes::copy_from_slice(body.as_bytes());
    let events = read(&body);
    let built = notifications(&body, &items(&events), Mask::default());
    assert!(built.gone.is_empty());
    let bodies = built.notifications.iter().map(|it| text(&it.body));
    bodies.map(str::to_owned).collect()
}

fn text(body: &Bytes) -> &str {
    std::str::from_utf8(body).unwrap()
}

/// Checks the notifications of `body` with the items at `passing` positions: each of the items is
/// in one of them, with its own bytes and in order, and no other.
fn check(body: &Bytes, passing: impl Fn(usize) -> bool) {
    let events = read(body);
    let mut items = items(&events);
    items.retain(|item| passing(index(item.position)));
    let built = notifications(body, &items, Mask::default());
    assert!(built.gone.is_empty());
    let is_whole = items.len() == events.len() && built.notifications.len() == 1;
    let mut sent = Vec::new();
    for notification in &built.notifications {
        let found = read(&notification.body);
        assert_eq!(found.len(), notification.positions.len());
        for (position, item) in notification.positions.iter().zip(&found) {
            let event = &events[index(*position)];
            assert_same(event, body, item, &notification.body);
            assert_eq!(new_item(*position, event).lane, notification.lane);
        }
        assert!(notification.positions.is_sorted());
        assert_eq!(notification.body == *body, is_whole);
        assert_signed(&notification.body);
        sent.extend_from_slice(&notification.positions);
    }
    let firsts = built.notifications.iter().map(|it| it.positions[0]);
    assert!(firsts.is_sorted());
    let lanes: HashSet<_> = built.notifications.iter().map(|it| it.lane).collect();
    assert_eq!(lanes.len(), built.notifications.len());
    sent.sort_unstable();
    assert!(sent.iter().eq(items.iter().map(|item| &item.position)));
}

fn index(position: i64) -> usize {
    usize::try_from(position).unwrap()
}

/// Checks that `item` of `built` is `event` of `body`. The key of one of several items without id
/// and with the same content has their number in the body.
fn assert_same(event: &Event, body: &Bytes, item: &Event, built: &Bytes) {
    let bytes = event.item(body);
    assert_eq!(item.item(built), bytes);
    let alike = read(body)
        .iter()
        .filter(|other| other.item(body) == bytes)
        .count();
    let dedupe_key = if alike == 1 {
        item.dedupe_key
    } else {
        event.dedupe_key
    };
    let item = Event {
        item_start: event.item_start,
        dedupe_key,
        ..item.clone()
    };
    assert_eq!(item, *event);
}

/// Verifies the signature as a receiver does.
fn assert_signed(body: &Bytes) {
    let secret = SecretString::from("a secret of this test");
    let headers = HubSigner::new(&secret).headers(body, Uuid::nil());
    let [_, (name, signature), ..] = &headers;
    assert_eq!(*name, "x-hub-signature-256");
    let secrets = Secrets::new([("app", &secret)]);
    assert!(
        secrets
            .verify(Some(signature.as_bytes()), body.clone())
            .is_ok()
    );
    assert!(serde_json::from_slice::<IgnoredAny>(body).is_ok());
}

#[test]
fn the_items_of_each_sample_are_sent_together_and_alone() {
    for (_, sample) in samples() {
        let body = Bytes::from(fill(sample, |_| None));
        check(&body, |_| true);
        for alone in 0..read(&body).len() {
            check(&body, |position| position == alone);
            check(&body, |position| position != alone);
        }
    }
}

fn message(person: &str, mid: &str) -> String {
    format!(r#"{{"sender": {{"id":"{person}"}}, "message": {{"mid":"{mid}","text":"\u00e4\/"}}}}"#)
}

#[test]
fn a_body_of_one_person_is_sent_as_it_came() {
    let [a, b] = ["a", "b"].map(|mid| message("7", mid));
    let body = format!(
        "\u{feff} {{ \"entry\" : [{{\"new\":1,\"messaging\":[{a} , {b}],\"id\":\"1\"}}] }}\n"
    );
    assert_eq!(bodies(&body), [body]);
}

#[test]
fn persons_of_one_entry_get_notifications_of_their_own() {
    let [a, b, c] = [("7", "a"), ("8", "b"), ("7", "c")].map(|(person, mid)| message(person, mid));
    let body = format!(
        r#"{{"object":"instagram","entry":[{{"time":1795170000001,"id":"1","messaging":[{a}, {b},{c}]}}]}}"#
    );
    let of = |items: String| {
        format!(
            r#"{{"object":"instagram","entry":[{{"id":"1","time":1795170000001,"messaging":[{items}]}}]}}"#
        )
    };
    assert_eq!(bodies(&body), [of(format!("{a},{c}")), of(b)]);
}

#[test]
fn a_repeat_is_not_sent() {
    let [a, b] = ["a", "b"].map(|mid| message("7", mid));
    let body = format!(r#"{{"entry":[{{"messaging":[{a},{b}]}}]}}"#);
    let body = Bytes::from(body);
    let events = read(&body);
    let built = notifications(&body, &items(&events)[1..], Mask::default());
    let expected = format!(r#"{{"entry":[{{"messaging":[{b}]}}]}}"#);
    assert_eq!(built.notifications[0].body, expected);
    assert_eq!(built.notifications[0].positions, [1]);
}

/// Checks that an entry with `given` becomes two notifications, with these entries.
fn assert_entries(given: &str, expected: [String; 2]) {
    let body = |rest: &str| format!(r#"{{"object":"instagram","entry":[{{"id":"1",{rest}}}]}}"#);
    assert_eq!(bodies(&body(given)), expected.map(|rest| body(&rest)));
}

#[test]
fn each_container_is_built_again() {
    let value = |person| format!(r#"{{ "id":"5{person}","from":{{"id":"{person}"}}}}"#);
    let [a, b] = [7, 8].map(value);
    let [c, d] = [&a, &b].map(|it| format!(r#"{{"value":{it} , "field":"comments"}}"#));
    let in_changes = [&c, &d].map(|it| format!(r#""changes":[{it}]"#));
    assert_entries(&format!(r#""changes" : [{c} ,{d}]"#), in_changes);
    let member = |it| format!(r#""field":"comments","verb":"add","value":[{it}]"#);
    let in_list = [&a, &b].map(|it| format!(r#""changes":[{{{}}}]"#, member(it)));
    let list = format!(r#"{{"value":[{a},{b}],"field":"comments","verb":"add"}}"#);
    assert_entries(&format!(r#""changes":[{list}]"#), in_list);
    let flat = format!(r#""value":[{a},{b}],"field":"comments","verb":"add""#);
    assert_entries(&flat, [&a, &b].map(member));
    let standby = format!(r#""standby":[{}]"#, message("9", "m"));
    let flat = format!(r#""field":"comments","value":{a}"#);
    assert_entries(&format!(r#"{flat},"new":1,{standby}"#), [standby, flat]);
    let flat = r#""verb":"add","field":"follow""#;
    let names = r#""changed_fields":["comments"]"#;
    assert_entries(&format!("{names},{flat}"), [flat, names].map(str::to_owned));
}

#[test]
fn a_lane_in_several_notifications_of_a_body_stays_in_several() {
    let document = |object: &str, items: &str| {
        format!(r#"{{"object":"{object}","entry":[{{"id":"1","messaging":[{items}]}}]}}"#)
    };
    let [a, b, c] = ["a", "b", "c"].map(|mid| message("7", mid));
    let other = message("8", "d");
    let (page, instagram) = (
        document("page", &a),
        document("instagram", &format!("{other},{b}")),
    );
    let body = format!("[{page}, {instagram}, {}]", document("instagram", &c));
    let own = document("instagram", &format!("{b},{c}"));
    let expected = [format!("[{page},{own}]"), document("instagram", &other)];
    assert_eq!(bodies(&body), expected);
}

#[test]
fn a_threads_envelope_is_built_again() {
    let body = |values: &str| {
        format!(r#"{{"topic":"moderate","target_id":"3","time":1795170000,"values":[{values}]}}"#)
    };
    let [a, b] = ["a", "b"].map(|id| format!(r#"{{"field":"replies","value":{{"id":"{id}"}}}}"#));
    assert_eq!(bodies(&body(&format!("{a} , {b}"))), [body(&a), body(&b)]);
}

#[test]
fn an_item_that_the_body_no_longer_has_is_gone() {
    let body = format!(
        r#"{{"entry":[{{"messaging":[{},{}]}}]}}"#,
        message("7", "a"),
        message("7", "b")
    );
    let body = Bytes::from(body);
    let events = read(&body);
    let mut items = items(&events);
    items[0].start += 1;
    let built = notifications(&body, &items, Mask::default());
    assert_eq!(built.gone, [0]);
    assert_eq!(built.notifications[0].positions, [1]);
    let built = notifications(&Bytes::from("{"), &items, Mask::default());
    assert_eq!((built.notifications, built.gone), (Vec::new(), vec![0, 1]));
}

#[test]
fn an_item_that_is_nested_too_deep_is_sent_as_it_came() {
    let deep = format!(r#"{{"x":{}{}}}"#, "[".repeat(70), "]".repeat(70));
    let body = |items: &str| format!(r#"{{"entry":[{{"messaging":[{items}]}}]}}"#);
    let other = message("7", "a");
    let expected = [body(&deep), body(&other)];
    assert_eq!(bodies(&body(&format!("{deep},{other}"))), expected);
}

#[test]
fn a_part_that_is_too_long_is_not_repeated_for_each_item() {
    let long = "7".repeat(4_000);
    let [a, b] = [message("7", "a"), message("8", "b")];
    let body = format!(r#"{{"entry":[{{"id":"{long}","time":5,"messaging":[{a},{b}]}}]}}"#);
    let expected = [a, b].map(|item| format!(r#"{{"entry":[{{"time":5,"messaging":[{item}]}}]}}"#));
    assert_eq!(bodies(&body), expected);
}
