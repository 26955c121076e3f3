//! What holds for every stream, read back the way a receiver reads it.

use std::{
    collections::{BTreeMap, HashSet},
    num::NonZeroUsize,
};

use bytes::Bytes;
use bytestring::ByteString;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use uuid::Uuid;

use super::*;
use crate::{
    meta::{
        event::{Event, Kind},
        split::{self, Context},
    },
    simulate::Sender,
};

fn start() -> Timestamp {
    "2026-11-20T09:30:00Z".parse().unwrap()
}

fn script(seed: u64, kinds: &[Kind], batch: usize) -> Script {
    Script {
        seed,
        accounts: NonZeroUsize::new(3).unwrap(),
        people: NonZeroUsize::new(40).unwrap(),
        kinds: kinds.to_vec(),
        batch: NonZeroUsize::new(batch).unwrap(),
    }
}

/// Deliveries of `script`, `pause` apart.
fn deliveries(
    script: &Script,
    pause: SignedDuration,
) -> impl Iterator<Item = (Timestamp, Delivery)> {
    let mut stories = Stories::new(script);
    (0..).map(move |number| {
        let at = start() + pause * number;
        (at, stories.next(at))
    })
}

fn quick(script: &Script) -> impl Iterator<Item = Delivery> {
    deliveries(script, SignedDuration::from_micros(200)).map(|(_, delivery)| delivery)
}

/// The events of a body, of which all must be readable.
fn events(body: &Bytes, received_at: Timestamp) -> Vec<Event> {
    let context = Context {
        app: "default",
        received_at,
    };
    let found = split::split(body, context);
    assert_eq!(found.problem(), None, "{}", String::from_utf8_lossy(body));
    found.events
}

/// The kinds of a body, counted.
fn counted(body: &Bytes, received_at: Timestamp) -> BTreeMap<&'static str, u32> {
    let mut counts = BTreeMap::new();
    for event in events(body, received_at) {
        *counts.entry(event.kind.as_str()).or_default() += 1;
    }
    counts
}

fn announced(delivery: &Delivery) -> BTreeMap<&'static str, u32> {
    delivery
        .kinds
        .iter()
        .map(|(kind, count)| (kind.as_str(), count))
        .collect()
}

#[test]
fn a_body_holds_what_is_announced() {
    let slow = SignedDuration::from_mins(5);
    for (batch, count) in [(1, 2500), (7, 300)] {
        for (at, delivery) in deliveries(&script(1, &[], batch), slow).take(count) {
            assert_eq!(counted(&delivery.body, at), announced(&delivery));
            assert_eq!(u32::try_from(batch), Ok(delivery.items));
        }
    }
}

#[test]
fn every_kind_comes_in_a_short_run() {
    let told: HashSet<_> = quick(&script(2, &[], 1))
        .take(1000)
        .flat_map(|delivery| announced(&delivery).into_keys())
        .collect();
    assert_eq!(told.len(), Kind::ALL.len());
}

#[test]
fn every_kind_can_come_alone() {
    for kind in Kind::ALL {
        for batch in [1, 4] {
            for delivery in quick(&script(3, &[*kind], batch)).take(300) {
                assert_eq!(delivery.kinds.get(*kind), delivery.items);
            }
        }
    }
}

#[test]
fn nothing_comes_twice_but_ad_pairs() {
    for (people, count) in [(1, 5_000), (100_000, 50_000)] {
        let mut script = script(4, &[], 1);
        script.people = NonZeroUsize::new(people).unwrap();
        let (mut keys, mut items, mut repeats) = (HashSet::<Uuid>::new(), 0, 0);
        for delivery in quick(&script).take(count) {
            items += delivery.items;
            repeats += delivery.repeats;
            keys.extend(
                events(&delivery.body, start())
                    .iter()
                    .map(|event| event.dedupe_key),
            );
        }
        assert!(repeats > 20);
        assert_eq!(u32::try_from(keys.len()), Ok(items - repeats));
    }
}

/// The values under `keys`, wherever they stand in a body.
fn ids(body: &[u8], keys: &[&str]) -> Vec<String> {
    fn walk(value: &Value, keys: &[&str], found: &mut Vec<String>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| walk(item, keys, found)),
            Value::Object(object) => {
                for (key, value) in object {
                    if let (true, Some(id)) = (keys.contains(&key.as_str()), value.as_str()) {
                        found.push(id.to_owned());
                    }
                    walk(value, keys, found);
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(&serde_json::from_slice(body).unwrap(), keys, &mut found);
    found
}

const IDS: [&str; 5] = [
    "mid",
    "comment_id",
    "parent_id",
    "notification_messages_token",
    "asset_id",
];

fn bodies(seed: u64, from: Timestamp) -> Vec<Bytes> {
    let mut stories = Stories::new(&script(seed, &[], 2));
    let at = (0..400).map(|number| from + SignedDuration::from_secs(40) * number);
    at.map(|at| stories.next(at).body).collect()
}

#[test]
fn the_same_script_and_moments_give_the_same_bytes() {
    assert_eq!(bodies(5, start()), bodies(5, start()));
}

#[test]
fn another_seed_and_another_time_give_other_ids() {
    let all = |bodies: Vec<Bytes>| -> HashSet<String> {
        bodies.iter().flat_map(|body| ids(body, &IDS)).collect()
    };
    let one = all(bodies(5, start()));
    assert!(one.len() > 150);
    assert!(one.is_disjoint(&all(bodies(6, start()))));
    assert!(one.is_disjoint(&all(bodies(5, start() + SignedDuration::from_millis(1)))));
    assert!(one.is_disjoint(&all(bodies(5, start() + SignedDuration::from_hours(1)))));
}

/// A body without its times of sending, and these.
fn without_times(body: &[u8]) -> (Value, Vec<i64>) {
    let mut body: Value = serde_json::from_slice(body).unwrap();
    let entries = body["entry"].as_array_mut().unwrap();
    let times = entries
        .iter_mut()
        .map(|entry| entry["time"].take().as_i64().unwrap());
    let times = times.collect();
    (body, times)
}

#[test]
fn another_try_differs_in_the_times_of_sending_only() {
    let later = start() + SignedDuration::from_hours(30);
    let keys = |body: &Bytes| -> Vec<Uuid> {
        events(body, later)
            .iter()
            .map(|event| event.dedupe_key)
            .collect()
    };
    let mut entries = 0;
    for delivery in quick(&script(7, &[], 5)).take(600) {
        let again = delivery.sent_again(later);
        let ((first, before), (second, after)) =
            (without_times(&delivery.body), without_times(&again));
        assert_eq!(first, second);
        assert_eq!(again.len(), delivery.body.len());
        let time = match delivery.sender {
            Sender::Messaging => later.as_millisecond(),
            Sender::Changes => later.as_second(),
        };
        assert!(after.iter().all(|at| *at == time) && before.iter().all(|at| *at < time));
        assert_eq!(keys(&delivery.body), keys(&again));
        entries += after.len();
    }
    assert!(entries > 1000, "{entries}");
}

#[test]
fn each_sender_writes_its_own_way() {
    for delivery in quick(&script(8, &[], 3)).take(500) {
        let body = std::str::from_utf8(&delivery.body).unwrap();
        let (begin, end) = match delivery.sender {
            Sender::Messaging => (r#"{"object":"instagram","entry":[{"time":"#, "]}]}"),
            Sender::Changes => (r#"{"entry": [{"id": "1784"#, r#""object": "instagram"}"#),
        };
        assert!(
            body.is_ascii() && body.starts_with(begin) && body.ends_with(end),
            "{body}"
        );
        assert_eq!(body.contains("\": "), delivery.sender == Sender::Changes);
    }
}

#[test]
fn a_full_delivery_has_entries_of_several_accounts() {
    let mut script = script(9, &[], 5000);
    script.accounts = NonZeroUsize::new(50).unwrap();
    let delivery = quick(&script).next().unwrap();
    assert_eq!(delivery.items, 1000);
    let (_, times) = without_times(&delivery.body);
    assert!(times.len() > 20);
    assert_eq!(counted(&delivery.body, start()), announced(&delivery));
}

#[test]
fn what_a_step_refers_to_was_told() {
    let refers = |body: &[u8]| {
        let about = [
            "message_edit",
            "reaction",
            "read",
            "response_feedback",
            "reply_to",
        ];
        let item: Value = serde_json::from_slice(body).unwrap();
        let item = &item["entry"][0]["messaging"][0];
        let message = &item["message"];
        let unsent = message["is_deleted"].as_bool().map(|_| message);
        let about = about
            .iter()
            .flat_map(|key| [&item[*key], &message[*key]])
            .chain(unsent);
        about
            .filter_map(|about| about["mid"].as_str().map(ByteString::from))
            .collect::<Vec<_>>()
    };
    let (mut told, mut referred) = (HashSet::new(), HashSet::new());
    let pause = SignedDuration::from_mins(5);
    for (number, (at, delivery)) in deliveries(&script(10, &[], 1), pause)
        .take(4000)
        .enumerate()
    {
        for event in events(&delivery.body, at) {
            match event.kind {
                Kind::Message | Kind::Postback => told.extend(event.ids.message_id),
                Kind::Comment => told.extend(event.ids.comment_id),
                _ => {}
            }
            // What the last ones refer to may still be on its way.
            if number < 3500 {
                referred.extend(refers(&delivery.body));
                referred.extend(event.ids.parent_id);
            }
        }
    }
    assert!(referred.len() > 500, "{}", referred.len());
    assert_eq!(
        referred.difference(&told).collect::<Vec<_>>(),
        Vec::<&ByteString>::new()
    );
}

#[test]
fn an_ad_pair_is_one_comment_through_the_post_and_through_the_ad() {
    let mut ways: BTreeMap<String, Vec<bool>> = BTreeMap::new();
    let mut repeats = 0;
    for delivery in quick(&script(11, &[Kind::Comment], 1)).take(3000) {
        repeats += delivery.repeats;
        let body: Value = serde_json::from_slice(&delivery.body).unwrap();
        let value = &body["entry"][0]["changes"][0]["value"];
        let media = &value["media"];
        let by_ad = media["ad_id"].is_string();
        assert_eq!(
            by_ad,
            media["ad_title"].is_string() && media["original_media_id"].is_string()
        );
        ways.entry(value["id"].as_str().unwrap().to_owned())
            .or_default()
            .push(by_ad);
    }
    let pairs = ways.values().filter(|ways| ways.len() == 2);
    let pairs: Vec<_> = pairs.inspect(|ways| assert_ne!(ways[0], ways[1])).collect();
    assert_eq!(u32::try_from(pairs.len()), Ok(repeats));
    assert!(repeats > 50);
}

#[test]
fn things_happen_shortly_before_they_are_told() {
    let (mut late, mut all) = (0, 0);
    for (at, delivery) in deliveries(&script(12, &[], 1), SignedDuration::from_mins(5)).take(3000) {
        for event in events(&delivery.body, at) {
            let happened = event.occurred_at.unwrap();
            assert!(happened <= at);
            late += u32::from(at.duration_since(happened) > SignedDuration::from_secs(4));
            all += 1;
        }
    }
    assert!(late > 0 && late < all / 20, "{late} of {all}");
}

#[test]
fn messages_are_not_always_told_in_their_order() {
    let mut last: BTreeMap<(ByteString, ByteString), Timestamp> = BTreeMap::new();
    let mut behind = 0;
    for (at, delivery) in deliveries(&script(13, &[], 1), SignedDuration::from_mins(5)).take(3000) {
        for event in events(&delivery.body, at)
            .into_iter()
            .filter(|e| e.kind == Kind::Message)
        {
            let talk = (event.account_id.unwrap(), event.person_id.unwrap());
            let happened = event.occurred_at.unwrap();
            behind += u32::from(
                last.insert(talk, happened)
                    .is_some_and(|last| last > happened),
            );
        }
    }
    assert!(behind > 0 && behind < 60, "{behind}");
}

#[test]
fn the_numbers_of_a_story_follow_the_answers_to_it() {
    let (mut expired, mut answered, mut few) = (HashSet::new(), HashSet::new(), 0);
    for (_, delivery) in deliveries(&script(14, &[], 1), SignedDuration::from_mins(5)).take(4000) {
        for media in ids(&delivery.body, &["media_id"]) {
            few += u32::from(delivery.body.windows(4).any(|bytes| bytes == b": -1"));
            expired.insert(media);
        }
        let body: Value = serde_json::from_slice(&delivery.body).unwrap();
        let message = &body["entry"][0]["messaging"][0]["message"];
        if let Some(story) = message["reply_to"]["story"]["id"].as_str() {
            assert!(!expired.contains(story));
            answered.insert(story.to_owned());
        }
    }
    assert!(few > 0 && answered.intersection(&expired).count() > 0);
}

#[test]
fn memory_is_bounded() {
    for pause in [
        SignedDuration::ZERO,
        SignedDuration::from_mins(1),
        SignedDuration::from_hours(9),
    ] {
        let mut stories = Stories::new(&script(15, &[], 3));
        for number in 0..3000 {
            stories.next(start() + pause * number);
        }
        assert!(stories.size() <= 2 * 128 * 100);
    }
}

#[test]
fn no_moment_is_too_strange() {
    let mut stories = Stories::new(&Script {
        seed: u64::MAX,
        accounts: NonZeroUsize::MAX,
        people: NonZeroUsize::MAX,
        kinds: Vec::new(),
        batch: NonZeroUsize::MAX,
    });
    for at in [
        Timestamp::MIN,
        Timestamp::MAX,
        start(),
        Timestamp::UNIX_EPOCH,
        Timestamp::MAX,
    ] {
        let delivery = stories.next(at);
        assert_eq!(delivery.items, 1000);
        delivery.sent_again(Timestamp::MIN);
    }
}
