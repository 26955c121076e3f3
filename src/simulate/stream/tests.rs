//! What holds for every stream, read back the way a receiver reads it.

use std::collections::{BTreeMap, HashSet};

use jiff::SignedDuration;
use uuid::Uuid;

use super::*;
use crate::meta::{
    event::Event,
    split::{self, Context},
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
fn events(body: &[u8], received_at: Timestamp) -> Vec<Event> {
    let context = Context {
        app: "default",
        received_at,
    };
    let found = split::split(body, context);
    assert_eq!(found.problem(), None, "{}", String::from_utf8_lossy(body));
    found.events
}

/// The kinds of a body, counted.
fn counted(body: &[u8], received_at: Timestamp) -> BTreeMap<&'static str, u32> {
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
    for batch in [1, 7] {
        let slow = SignedDuration::from_mins(5);
        for (at, delivery) in deliveries(&script(1, &[], batch), slow).take(3000) {
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
