//! Variants against the fixtures whose names they have, and against another run.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fs,
    path::Path,
};

use jiff::Timestamp;
use serde_json::Value;

use super::{super::serialise::Sender, *};
use crate::meta::event::Kind;

fn now() -> Timestamp {
    "2026-11-20T09:30:00Z".parse().unwrap()
}

fn run(seed: u64) -> Vec<Variant> {
    all(seed, now())
}

fn body(variant: &Variant) -> Value {
    serde_json::from_slice(&variant.body).unwrap()
}

/// Name and kinds of the fixtures that a sender could have sent.
fn fixtures() -> BTreeMap<&'static str, Vec<&'static str>> {
    include_str!("../../../tests/fixtures/INDEX.tsv")
        .lines()
        .skip(1)
        .map(|line| {
            let mut columns = line.split('\t');
            let name = columns.next().unwrap().strip_suffix(".json").unwrap();
            let kinds = columns
                .nth(3)
                .unwrap()
                .split(',')
                .filter(|kind| *kind != "-");
            (name, kinds.collect())
        })
        .filter(|(name, _)| {
            !["strange/", "times/", "ids/"]
                .iter()
                .any(|t| name.starts_with(t))
        })
        .collect()
}

/// The body with each string, number and flag replaced by the name of its type.
fn shape(value: &Value) -> Value {
    match value {
        Value::Null => "null".into(),
        Value::Bool(flag) => (*flag).into(),
        Value::Number(number) => if number.is_f64() {
            "decimal"
        } else {
            "integer"
        }
        .into(),
        Value::String(_) => "text".into(),
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::Object(keys) => keys
            .iter()
            .map(|(key, value)| (key.clone(), shape(value)))
            .collect(),
    }
}

#[test]
fn every_fixture_has_its_variant_with_the_same_kinds() {
    let variants = run(1);
    let told: BTreeMap<_, _> = variants
        .iter()
        .map(|v| (v.name, v.kinds.to_vec()))
        .collect();
    assert_eq!(told.len(), variants.len(), "a name is told twice");
    assert_eq!(told, fixtures());
}

#[test]
fn a_variant_has_the_shape_of_its_fixture() {
    for variant in run(1) {
        let file = format!("tests/fixtures/{}.json", variant.name);
        let bytes = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        let fixture: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(shape(&body(&variant)), shape(&fixture), "{}", variant.name);
    }
}

#[test]
fn every_kind_is_told() {
    let told: BTreeSet<_> = run(1)
        .iter()
        .flat_map(|v| v.kinds.iter().copied())
        .collect();
    let mut known: BTreeSet<_> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    known.extend(["message!echo", "message_deleted!echo"]);
    assert_eq!(told, known);
}

/// The values of `keys`, wherever they stand.
fn ids<'a>(value: &'a Value, keys: &[&str], found: &mut HashSet<&'a str>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| ids(item, keys, found)),
        Value::Object(object) => {
            for (key, value) in object {
                if let (true, Value::String(id)) = (keys.contains(&key.as_str()), value) {
                    found.insert(id);
                }
                ids(value, keys, found);
            }
        }
        _ => {}
    }
}

#[test]
fn two_seeds_have_no_body_and_no_id_in_common() {
    let (one, other) = (run(1), run(2));
    let keys = [
        "mid",
        "comment_id",
        "media_id",
        "parent_id",
        "ad_id",
        "notification_messages_token",
    ];
    let gather = |variants: &[Variant]| {
        let bodies: Vec<_> = variants.iter().map(body).collect();
        let mut found = HashSet::new();
        for body in &bodies {
            ids(body, &keys, &mut found);
        }
        found.into_iter().map(str::to_owned).collect::<HashSet<_>>()
    };
    assert_eq!(one.len(), other.len());
    assert!(gather(&one).len() > 100);
    assert!(gather(&one).is_disjoint(&gather(&other)));
    for (one, other) in one.iter().zip(&other) {
        assert!(
            one.body != other.body || one.kinds.is_empty(),
            "{}",
            one.name
        );
    }
}

#[test]
fn a_seed_gives_the_same_run_again() {
    let bodies = |seed| run(seed).into_iter().map(|v| v.body).collect::<Vec<_>>();
    assert_eq!(bodies(3), bodies(3));
}

#[test]
fn messages_were_written_when_they_say_in_the_minutes_before_now() {
    let now = now().as_millisecond();
    let mut messages = 0;
    for variant in run(4).iter().filter(|v| v.name.starts_with("messages/")) {
        let body = body(variant);
        let entry = &body["entry"][0];
        let Some(at) = entry["messaging"][0]["timestamp"].as_i64() else {
            continue;
        };
        assert!((now - 22 * 60_000..now).contains(&at), "{}", variant.name);
        assert!(entry["time"].as_i64().unwrap() > at);
        messages += 1;
    }
    assert!(messages > 40);
}

#[test]
fn the_changes_sender_writes_spaces_and_the_messaging_sender_none() {
    for variant in run(5) {
        let spaced = variant.body.windows(3).any(|bytes| bytes == b"\": ");
        assert_eq!(
            spaced,
            variant.sender == Sender::Changes,
            "{}",
            variant.name
        );
        assert!(variant.body.is_ascii());
    }
}

#[test]
fn keys_stand_in_the_order_of_their_sender() {
    for variant in run(6) {
        let body = std::str::from_utf8(&variant.body).unwrap();
        if variant.name.starts_with("messages/") {
            let begin = r#"{"object":"instagram","entry":[{"time":"#;
            assert!(body.starts_with(begin), "{}", variant.name);
        }
        if variant.name.starts_with("mentions/") {
            assert!(
                body.starts_with(r#"{"entry": [{"id": "1784"#),
                "{}",
                variant.name
            );
            assert!(body.ends_with(r#""field": "mentions"}]}], "object": "instagram"}"#));
        }
    }
}
