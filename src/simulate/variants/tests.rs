//! Every sample as it is sent, read back the way a receiver reads it.

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;
use uuid::Uuid;

use super::*;

fn now() -> Timestamp {
    "2026-11-20T09:30:00Z".parse().unwrap()
}

fn events(variant: &Variant) -> Vec<Event> {
    let context = split::Context {
        app: "default",
        received_at: now(),
    };
    split::split(&variant.body, context).events
}

#[test]
fn a_sample_lies_in_the_directory_of_the_kind_of_its_first_event() {
    for variant in variants(1, now()) {
        let (directory, _) = variant.name.split_once('/').unwrap();
        let events = events(&variant);
        let first = events.first().map_or("", |event| event.kind.as_str());
        assert!(
            directory == first || directory == "containers",
            "{}: {first}",
            variant.name
        );
        let body: Value = serde_json::from_slice(&variant.body).unwrap();
        assert!(!body.to_string().contains("{{"), "{body}");
    }
}

#[test]
fn every_kind_is_told_and_echoes_are_told_apart() {
    let variants = variants(1, now());
    let told: BTreeSet<_> = variants
        .iter()
        .flat_map(|it| &it.kinds)
        .map(String::as_str)
        .collect();
    let mut known: BTreeSet<_> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    known.extend(["message!echo", "message_deleted!echo"]);
    assert_eq!(told, known);
    assert!(variants.len() > 160);
    assert!(variants[0].name.starts_with("comment/"));
    assert!(variants[variants.len() - 1].name.starts_with("containers/"));
}

#[test]
fn two_runs_have_no_event_in_common() {
    let keys = |seed, now| -> HashSet<Uuid> {
        let variants = variants(seed, now);
        let events = variants.iter().flat_map(events);
        events.map(|event| event.dedupe_key).collect()
    };
    let one = keys(1, now());
    assert!(one.len() > 190, "{}", one.len());
    assert!(one.is_disjoint(&keys(2, now())));
    let later = now() + jiff::SignedDuration::from_secs(3);
    assert!(one.is_disjoint(&keys(1, later)));
}

#[test]
fn a_seed_gives_the_same_run_again() {
    let bodies = |seed| variants(seed, now()).into_iter().map(|it| it.body);
    assert!(bodies(3).eq(bodies(3)));
}
