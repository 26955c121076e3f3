//! Property tests of irrelevant differences: the spelling of the JSON, and the time of sending.

use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{named, sent};

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

/// An item of each kind and form with the values in `it`, and the name of its container.
fn items(it: &Traits) -> Vec<(&'static str, Value)> {
    let Traits { mid, text, .. } = it;
    let contents = [
        json!({"message": {"mid": mid, "text": text, "attachments": [{"type": text}]}}),
        json!({"message": {"text": text, "is_echo": true}}),
        json!({"message": {"mid": mid, "is_deleted": true}}),
        json!({"message_edit": {"mid": mid, "text": text, "num_edit": "1"}}),
        json!({"reaction": {"mid": mid, "action": "react", "emoji": text}}),
        json!({"postback": {"mid": mid, "title": text}}),
        json!({"postback": {"payload": text, "title": text}}),
        json!({"read": {"mid": mid}}),
        json!({"read": {"watermark": it.at, "seq": 5}}),
        json!({"referral": {"ref": text, "source": "ADS", "ad_id": mid}}),
        json!({"optin": {"type": text, "notification_messages_token": mid}}),
        json!({"pass_thread_control": {"new_owner_app_id": mid, "metadata": text}}),
        json!({"app_roles": {mid.as_str(): [text]}}),
        json!({"policy-enforcement": {"action": text, "reason": text}}),
        json!({"response_feedback": {"mid": mid, "feedback": text}}),
        json!({text.as_str(): {"b": [text, {"c": null, "a": [1, -2.5, true]}], "a": mid}}),
    ];
    let comment = json!({"id": mid, "text": text, "from": {"id": it.person}, "media": {"id": "9"}});
    let changes = [
        ("comments", comment.clone()),
        ("live_comments", comment),
        (
            "mentions",
            json!({"media_id": mid, "comment_id": it.person}),
        ),
        (
            "story_insights",
            json!({"media_id": mid, "reach": it.at, "views": 5, "a": 7}),
        ),
        (
            "follow",
            json!({"who": text, "timestamp": it.at, mid.as_str(): [{"b": 1, "a": 2}]}),
        ),
        (
            "messages",
            json!({"message": {"mid": format!("{mid}+")}, "sender": {"id": it.person}}),
        ),
    ];
    let mut all = Vec::new();
    for mut content in contents {
        content["sender"] = json!({"id": it.person, "username": text});
        content["recipient"] = json!({"id": "1"});
        content["timestamp"] = json!(it.at);
        all.push(("standby", content.clone()));
        all.push(("messaging", content));
    }
    all.extend(changes.map(|(field, value)| ("changes", json!({"field": field, "value": value}))));
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

/// An entry with `item` in `container`, spelled by `choices`.
fn written(container: &str, item: &Value, choices: u64) -> String {
    let mut writer = Writer {
        choices,
        text: String::new(),
    };
    writer.value(item);
    format!("\"{container}\":[{}]", writer.text)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn writing_the_same_otherwise_and_sending_it_later_changes_no_key(
        traits in traits(), one: u64, other: u64, time in 0..2_000_000_000_i64,
    ) {
        for (container, item) in items(&traits) {
            let first = written(container, &item, one);
            let second = written(container, &item, other);
            let (first, second) = (sent(1_795_170_000, &first), sent(time, &second));
            prop_assert_eq!(named(&first), named(&second));
        }
    }

    #[test]
    fn an_id_of_its_own_names_an_item_whatever_its_time(
        traits in traits(), at: u32, container in "messaging|standby",
    ) {
        let later = items(&Traits { at: at.into(), ..traits.clone() });
        for ((_, one), (_, other)) in items(&traits).iter().zip(&later) {
            let has_id = ["message", "postback"].iter().any(|key| one[key]["mid"].is_string());
            if has_id {
                let key = |item| sent(1, &written(&container, item, 0)).dedupe_key;
                prop_assert_eq!(key(one), key(other), "{}", one);
            }
        }
    }

    #[test]
    fn an_item_with_neither_id_nor_time_is_told_apart_by_the_time_of_sending(
        traits in traits(), one in 1_262_304_000..2_000_000_000_i64, later in 1..1_000_000_i64,
    ) {
        for (container, mut item) in items(&traits) {
            let timed = item.as_object_mut().and_then(|item| item.remove("timestamp")).is_some();
            let named = ["message", "postback"].iter().any(|key| item[key]["mid"].is_string())
                || item["read"]["watermark"].is_number();
            if timed && !named {
                let key = |time, choices| sent(time, &written(container, &item, choices)).dedupe_key;
                prop_assert_eq!(key(one, 0), key(one, 7));
                prop_assert_ne!(key(one, 0), key(one + later, 0), "{}", item);
            }
        }
    }

    #[test]
    fn different_mids_have_different_keys(traits in traits(), mid in "[A-Za-z0-9_=/]{1,24}") {
        prop_assume!(traits.mid != mid);
        let other = Traits { mid, ..traits.clone() };
        for ((container, first), (_, second)) in items(&traits).iter().zip(&items(&other)) {
            if first == second {
                continue; // It has no mid.
            }
            let key = |item: &Value| sent(1, &written(container, item, 0)).dedupe_key;
            prop_assert_ne!(key(first), key(second));
        }
    }

    #[test]
    fn the_items_of_one_body_have_a_key_each(traits in traits()) {
        let mut keys = std::collections::HashMap::new();
        for (container, item) in items(&traits) {
            if container == "standby" {
                continue; // The same as in `messaging`.
            }
            let key = sent(1, &written(container, &item, 0)).dedupe_key;
            let before = keys.insert(key, item.clone());
            prop_assert!(before.is_none(), "{before:?} and {item}");
        }
    }
}
