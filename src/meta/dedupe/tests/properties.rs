//! Property tests of irrelevant differences: the spelling of the JSON, and the time of sending.

use std::{
    collections::{BTreeMap, HashSet},
    fmt::Write as _,
};

use proptest::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use super::{named, sent};
use crate::meta::samples::{fill, samples};

/// Values that vary between two items of one kind.
#[derive(Clone, Debug)]
struct Traits {
    mid: String,
    person: String,
    at: i64,
    text: String,
}

fn traits() -> impl Strategy<Value = Traits> {
    let text = prop_oneof![".{0,12}", "[äß/<%&'\"\\\\😍\u{0}\u{7f}a]{0,12}"];
    (
        "[A-Za-z0-9_=/]{1,24}",
        "[0-9]{1,20}",
        1_262_304_000_000..1_795_000_000_000_i64,
        text,
    )
        .prop_map(|(mid, person, at, text)| Traits {
            mid,
            person,
            at,
            text,
        })
}

/// The items of every sample with the values in `it`: name of the sample, container and item.
fn items(it: &Traits) -> Vec<(&'static str, &'static str, Value)> {
    let text = Value::from(&*it.text).to_string();
    let own = |name: &str| match name {
        "mid" => Some(it.mid.clone()),
        "igsid" => Some(it.person.clone()),
        "now" => Some(it.at.to_string()),
        "text" => Some(text[1..text.len() - 1].to_owned()),
        _ => None,
    };
    let mut all = Vec::new();
    for (name, sample) in samples() {
        let body: Value = serde_json::from_str(&fill(sample, own)).unwrap();
        for entry in body["entry"].as_array().into_iter().flatten() {
            for container in ["changes", "messaging", "standby"] {
                let items = entry[container].as_array().into_iter().flatten();
                all.extend(items.map(|item| (*name, container, item.clone())));
            }
        }
    }
    all
}

/// Writes JSON in varied spelling: keys in any order, white space anywhere, and each character
/// plain or as an escape. The bits of `choices` decide.
struct Writer {
    choices: u64,
    text: String,
}

impl Writer {
    fn choose(&mut self, of: usize) -> usize {
        // Linear congruential generator of Numerical Recipes; its high bits are of better quality.
        self.choices = self.choices.wrapping_mul(6_364_136_223_846_793_005);
        self.choices = self.choices.wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.choices >> 40).unwrap() % of
    }

    fn space(&mut self) {
        let space = ["", "", "", " ", "\n", "\t \r\n"][self.choose(6)];
        self.text += space;
    }

    fn value(&mut self, value: &Value) {
        self.space();
        match value {
            Value::Object(pairs) => {
                let mut pairs: Vec<_> = pairs.iter().collect();
                for last in (1..pairs.len()).rev() {
                    let other = self.choose(last + 1);
                    pairs.swap(last, other);
                }
                self.list('{', '}', &pairs, |writer, (key, value)| {
                    writer.space();
                    writer.string(key);
                    writer.space();
                    writer.text.push(':');
                    writer.value(value);
                });
            }
            Value::Array(elements) => self.list('[', ']', elements, Self::value),
            Value::String(text) => self.string(text),
            plain => self.text += &plain.to_string(),
        }
        self.space();
    }

    fn list<T>(&mut self, open: char, close: char, parts: &[T], one: impl Fn(&mut Self, &T)) {
        self.text.push(open);
        for (at, part) in parts.iter().enumerate() {
            if at > 0 {
                self.text.push(',');
            }
            one(self, part);
        }
        self.text.push(close);
    }

    fn string(&mut self, text: &str) {
        self.text.push('"');
        for char in text.chars() {
            self.char(char);
        }
        self.text.push('"');
    }

    fn char(&mut self, char: char) {
        let short = match char {
            '"' | '\\' | '/' => Some(char),
            '\n' => Some('n'),
            '\t' => Some('t'),
            _ => None,
        };
        let must = char.is_control() || char == '"' || char == '\\';
        match (self.choose(4), short) {
            (0 | 1, Some(short)) => self.text.extend(['\\', short]),
            (0..=2, _) if !must => self.text.push(char),
            (way, _) => {
                for unit in char.encode_utf16(&mut [0; 2]) {
                    let digits = match way {
                        0 | 1 => format!("{unit:04x}"),
                        _ => format!("{unit:04X}"),
                    };
                    write!(self.text, "\\u{digits}").unwrap();
                }
            }
        }
    }
}

/// Part of an item that holds its keys.
fn value(item: &Value) -> &Value {
    item.get("value").unwrap_or(item)
}

/// True if an item has an id of its own.
fn has_id(item: &Value) -> bool {
    let is_there = |key: &&str| !value(item)[*key].is_null();
    let ids: &[&str] = match item["field"].as_str() {
        Some("comments" | "live_comments") => &["id", "comment_id"],
        Some("mentions" | "story_insights") => &["media_id"],
        _ => &[],
    };
    let message = |key| value(item)[key]["mid"].is_string();
    message("message") || message("postback") || ids.iter().any(is_there)
}

/// True if an item has a time of its own.
fn has_time(item: &Value) -> bool {
    let value = value(item);
    !value["timestamp"].is_null() || !value["read"]["watermark"].is_null()
}

/// An entry with `item` in `container`, spelled by `choices`.
fn written(container: &str, item: &Value, choices: u64) -> String {
    let mut writer = Writer {
        choices,
        text: String::new(),
    };
    writer.value(item);
    format!("\"{container}\":[{}]", writer.text)
}

fn key(container: &str, item: &Value, time: i64) -> Uuid {
    sent(time, &written(container, item, 0)).dedupe_key
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn writing_the_same_otherwise_changes_no_key(traits in traits(), one: u64, other: u64) {
        for (name, container, item) in items(&traits) {
            let [first, second] = [one, other].map(|it| sent(7, &written(container, &item, it)));
            prop_assert_eq!(named(&first), named(&second), "{}", name);
        }
    }

    #[test]
    fn sending_it_later_changes_no_key_of_an_item_with_an_id_or_a_time(
        traits in traits(), one in 0..2_000_000_000_i64, later in 1..1_000_000_i64,
    ) {
        for (name, container, item) in items(&traits) {
            let keys = [one, one + later].map(|time| key(container, &item, time));
            let is_same = has_id(&item) || has_time(&item);
            prop_assert_eq!(keys[0] == keys[1], is_same, "{}: {}", name, item);
        }
    }

    #[test]
    fn an_item_that_loses_its_time_is_told_apart_by_the_time_of_sending(
        traits in traits(), one in 1_262_304_000..2_000_000_000_i64, later in 1..1_000_000_i64,
    ) {
        for (name, container, mut item) in items(&traits) {
            let value = if item["value"].is_object() { &mut item["value"] } else { &mut item };
            let lost = value.as_object_mut().and_then(|value| value.remove("timestamp"));
            if lost.is_some() && !has_id(&item) && !has_time(&item) {
                prop_assert_ne!(
                    key(container, &item, one),
                    key(container, &item, one + later),
                    "{}", name
                );
            }
        }
    }

    #[test]
    fn an_id_of_its_own_names_an_item_whatever_its_time(traits in traits(), at: u32) {
        let later = items(&Traits { at: at.into(), ..traits.clone() });
        for ((name, container, one), (_, _, other)) in items(&traits).iter().zip(&later) {
            if has_id(one) {
                prop_assert_eq!(key(container, one, 1), key(container, other, 1), "{}", name);
            }
        }
    }

    #[test]
    fn different_mids_have_different_keys(traits in traits(), mid in "[A-Za-z0-9_=/]{1,24}") {
        prop_assume!(traits.mid != mid);
        let other = Traits { mid, ..traits.clone() };
        for ((name, container, one), (_, _, other)) in items(&traits).iter().zip(&items(&other)) {
            if one != other {
                prop_assert_ne!(key(container, one, 1), key(container, other, 1), "{}", name);
            }
        }
    }

    #[test]
    fn items_of_different_kinds_have_different_keys(traits in traits()) {
        let mut kinds = BTreeMap::new();
        for (name, container, item) in items(&traits) {
            let (kind, _) = name.split_once('/').unwrap();
            if kind != "containers" {
                kinds.entry(kind).or_insert_with(|| key(container, &item, 1));
            }
        }
        let keys: HashSet<_> = kinds.values().collect();
        prop_assert_eq!(keys.len(), kinds.len(), "{:?}", kinds);
    }
}
