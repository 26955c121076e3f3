//! Streams, read back the way a receiver reads them.

use std::{
    collections::{BTreeMap, HashSet},
    num::NonZeroUsize,
};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use uuid::Uuid;

use super::*;
use crate::meta::{event::Event, split};

const SLOWLY: SignedDuration = SignedDuration::from_mins(5);

fn start() -> Timestamp {
    "2026-11-20T09:30:00Z".parse().unwrap()
}

fn script(seed: u64, kinds: &[Kind], batch: usize) -> Script {
    Script {
        seed,
        kinds: kinds.to_vec(),
        batch: NonZeroUsize::new(batch).unwrap(),
        ..Script::default()
    }
}

/// Deliveries of `script`, `pause` apart, with their times of sending.
fn timed(script: &Script, pause: SignedDuration) -> impl Iterator<Item = (Timestamp, Delivery)> {
    let mut stories = Stories::new(script);
    (0..).map(move |number| {
        let at = start() + pause * number;
        (at, stories.next(at))
    })
}

fn quick(script: &Script) -> impl Iterator<Item = Delivery> {
    timed(script, SignedDuration::from_micros(200)).map(|(_, delivery)| delivery)
}

/// The events of a body, of which all must be readable.
fn events(body: &Bytes, received_at: Timestamp) -> Vec<Event> {
    let context = split::Context {
        app: "default",
        received_at,
    };
    let found = split::split(body, context);
    assert_eq!(found.problem(), None, "{}", String::from_utf8_lossy(body));
    found.events
}

fn keys(body: &Bytes, received_at: Timestamp) -> Vec<Uuid> {
    let events = events(body, received_at);
    events.iter().map(|event| event.dedupe_key).collect()
}

fn kinds(body: &Bytes, received_at: Timestamp) -> Vec<Kind> {
    let events = events(body, received_at);
    events.iter().map(|event| event.kind).collect()
}

#[test]
fn a_body_holds_what_is_announced() {
    for (batch, count) in [(1, 2500), (7, 300)] {
        for (at, delivery) in timed(&script(1, &[], batch), SLOWLY).take(count) {
            assert_eq!(kinds(&delivery.body, at), delivery.kinds);
            assert_eq!(delivery.kinds.len(), batch);
        }
    }
}

#[test]
fn every_kind_comes_in_a_short_run() {
    let script = script(2, &[], 1);
    let told = quick(&script).take(1000);
    let told: HashSet<_> = told.flat_map(|delivery| delivery.kinds).collect();
    assert_eq!(told.len(), Kind::ALL.len());
}

#[test]
fn every_kind_can_come_alone() {
    for kind in Kind::ALL {
        for batch in [1, 4] {
            for delivery in quick(&script(3, &[*kind], batch)).take(300) {
                assert_eq!(delivery.kinds, vec![*kind; batch]);
            }
        }
    }
}

#[test]
fn nothing_comes_twice_but_ad_pairs() {
    for (people, count) in [(1, 5_000), (100_000, 20_000)] {
        let mut script = script(4, &[], 1);
        script.people = NonZeroUsize::new(people).unwrap();
        let (mut all, mut items, mut repeats) = (HashSet::new(), 0, 0);
        for delivery in quick(&script).take(count) {
            items += delivery.kinds.len() as u64;
            repeats += delivery.repeats;
            all.extend(keys(&delivery.body, start()));
        }
        assert!(repeats > 20);
        assert_eq!(all.len() as u64, items - repeats);
    }
}

#[test]
fn the_same_script_and_moments_give_the_same_bytes_and_others_give_other_events() {
    let bodies = |seed, from| -> Vec<Bytes> {
        let mut stories = Stories::new(&script(seed, &[], 2));
        let at = (0..400).map(|number| from + SignedDuration::from_secs(40) * number);
        at.map(|at| stories.next(at).body).collect()
    };
    let all = |seed, from| -> HashSet<Uuid> {
        let bodies = bodies(seed, from);
        bodies.iter().flat_map(|body| keys(body, from)).collect()
    };
    assert_eq!(bodies(5, start()), bodies(5, start()));
    let one = all(5, start());
    assert!(one.len() > 700);
    assert!(one.is_disjoint(&all(6, start())));
    assert!(one.is_disjoint(&all(5, start() + SignedDuration::from_millis(1))));
    assert!(one.is_disjoint(&all(5, start() + SignedDuration::from_hours(1))));
}

/// A body without its times of sending, and these.
fn without_times(body: &[u8]) -> (Value, Vec<i64>) {
    let mut body: Value = serde_json::from_slice(body).unwrap();
    let entries = body["entry"].as_array_mut().unwrap().iter_mut();
    let times = entries.map(|entry| entry["time"].take().as_i64().unwrap());
    let times = times.collect();
    (body, times)
}

#[test]
fn another_try_differs_in_the_times_of_sending_only() {
    let later = start() + SignedDuration::from_hours(30);
    let mut entries = 0;
    for delivery in quick(&script(7, &[], 5)).take(600) {
        let again = delivery.sent_again(later);
        let ((first, before), (second, after)) =
            (without_times(&delivery.body), without_times(&again));
        assert_eq!(first, second);
        assert_eq!(again.len(), delivery.body.len());
        let time = delivery.sender.time(later.as_millisecond());
        assert!(after.iter().all(|at| *at == time) && before.iter().all(|at| *at < time));
        assert_eq!(keys(&delivery.body, later), keys(&again, later));
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
        assert!(body.starts_with(begin) && body.ends_with(end), "{body}");
        assert!(body.is_ascii());
        assert_eq!(body.contains("\": "), delivery.sender == Sender::Changes);
    }
}

#[test]
fn a_full_delivery_has_entries_of_several_accounts() {
    let mut script = script(9, &[], 5000);
    script.accounts = NonZeroUsize::new(50).unwrap();
    let delivery = quick(&script).next().unwrap();
    assert_eq!(delivery.kinds.len(), 1000);
    assert!(without_times(&delivery.body).1.len() > 20);
    assert_eq!(kinds(&delivery.body, start()), delivery.kinds);
}

#[test]
fn what_a_step_refers_to_was_told() {
    let (mut told, mut referred) = (HashSet::new(), 0);
    for (at, delivery) in timed(&script(10, &[], 1), SLOWLY).take(4000) {
        for event in events(&delivery.body, at) {
            let about = match event.kind {
                Kind::Message | Kind::Postback => {
                    told.extend(event.ids.message_id);
                    None
                }
                Kind::Comment => {
                    told.extend(event.ids.comment_id);
                    None
                }
                _ => event.ids.message_id,
            };
            for id in about.into_iter().chain(event.ids.parent_id) {
                assert!(told.contains(&id), "{:?}", event.kind);
                referred += 1;
            }
        }
    }
    assert!(referred > 500, "{referred}");
}

#[test]
fn an_ad_pair_is_one_comment_through_the_post_and_through_the_ad() {
    let mut ways: BTreeMap<String, Vec<bool>> = BTreeMap::new();
    let mut repeats = 0;
    for delivery in quick(&script(11, &[Kind::Comment], 1)).take(3000) {
        repeats += delivery.repeats;
        let body: Value = serde_json::from_slice(&delivery.body).unwrap();
        let value = &body["entry"][0]["changes"][0]["value"];
        let ad = ["ad_id", "ad_title", "original_media_id"];
        let ad = ad.map(|key| value["media"][key].is_string());
        assert!(ad == [true; 3] || ad == [false; 3], "{value}");
        let id = value["id"].as_str().unwrap().to_owned();
        ways.entry(id).or_default().push(ad[0]);
    }
    let pairs = ways.values().filter(|ways| ways.len() == 2);
    let pairs: Vec<_> = pairs.inspect(|ways| assert_ne!(ways[0], ways[1])).collect();
    assert_eq!(pairs.len() as u64, repeats);
    assert!(repeats > 50);
}

#[test]
fn things_happen_shortly_before_they_are_told() {
    let (mut late, mut all) = (0, 0);
    for (at, delivery) in timed(&script(12, &[], 1), SLOWLY).take(3000) {
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
fn the_numbers_of_a_story_follow_the_answers_to_it() {
    let (mut expired, mut answered) = (HashSet::new(), HashSet::new());
    for (at, delivery) in timed(&script(14, &[], 1), SLOWLY).take(4000) {
        for event in events(&delivery.body, at) {
            if event.kind == Kind::StoryInsights {
                expired.extend(event.ids.media_id);
            }
        }
        let body: Value = serde_json::from_slice(&delivery.body).unwrap();
        let message = &body["entry"][0]["messaging"][0]["message"];
        if let Some(story) = message["reply_to"]["story"]["id"].as_str() {
            assert!(!expired.contains(story));
            answered.insert(story.to_owned());
        }
    }
    assert!(answered.iter().any(|story| expired.contains(&**story)));
}

#[test]
fn no_moment_is_too_strange() {
    let mut stories = Stories::new(&Script {
        seed: u64::MAX,
        accounts: NonZeroUsize::MAX,
        people: NonZeroUsize::MAX,
        batch: NonZeroUsize::MAX,
        ..Script::default()
    });
    let strange = [Timestamp::MIN, Timestamp::MAX, start(), Timestamp::MAX];
    for at in strange {
        let delivery = stories.next(at);
        assert_eq!(delivery.kinds.len(), 1000);
        delivery.sent_again(Timestamp::MIN);
    }
}
