//! Comparison of the split with a reference: `serde_json`'s tree, walked as the documents describe
//! a notification; and one notification in many spellings.

use std::fmt::Write as _;

use proptest::{collection::vec, prelude::*};
use serde_json::{Map, Value, json};

use super::read;
use crate::meta::event::{Channel, Event, Kind};

/// An event as derived from the tree.
#[derive(Debug, PartialEq)]
struct Seen {
    channel: Channel,
    kind: Kind,
    account_id: Option<String>,
    sender_id: Option<String>,
    recipient_id: Option<String>,
    message_id: Option<String>,
    comment_id: Option<String>,
    text: Option<String>,
    payload: Value,
}

impl Seen {
    fn by_us(event: &Event, body: &str) -> Self {
        let own = |text: &Option<bytestring::ByteString>| text.as_deref().map(str::to_owned);
        Self {
            channel: event.channel,
            kind: event.kind,
            account_id: own(&event.account_id),
            sender_id: own(&event.sender_id),
            recipient_id: own(&event.recipient_id),
            message_id: own(&event.ids.message_id),
            comment_id: own(&event.ids.comment_id),
            text: own(&event.text),
            payload: serde_json::from_slice(event.item(body.as_bytes())).unwrap(),
        }
    }

    fn by_tree(channel: Channel, account_id: Option<String>, item: &Value, typed: bool) -> Self {
        let is_change = matches!(channel, Channel::Changes | Channel::Entry);
        let is_comment = is_change && typed && item["field"] == "comments";
        let value = if is_change { &item["value"] } else { item };
        let kind = match value {
            _ if is_comment => Kind::Comment,
            Value::Object(it) if !is_change => kind(it),
            _ => Kind::Unknown,
        };
        let inner = match kind {
            Kind::Message if value["message"].is_object() => &value["message"],
            Kind::Seen if value["read"].is_object() => &value["read"],
            _ => value,
        };
        let sender = if is_comment { "from" } else { "sender" };
        let is_messaging = matches!(kind, Kind::Message | Kind::Seen);
        Self {
            channel,
            kind,
            account_id,
            sender_id: id(&value[sender]["id"]),
            recipient_id: id(&value["recipient"]["id"]),
            message_id: id(&inner["mid"]).filter(|_| is_messaging),
            comment_id: id(&value["id"]).filter(|_| is_comment),
            text: inner["text"]
                .as_str()
                .map(str::to_owned)
                .filter(|_| is_comment || kind == Kind::Message),
            payload: item.clone(),
        }
    }
}

fn kind(item: &Map<String, Value>) -> Kind {
    let has = |key| item.get(key).is_some_and(|value| !value.is_null());
    match (has("message"), has("read")) {
        (true, _) => Kind::Message,
        (false, true) => Kind::Seen,
        (false, false) => Kind::Unknown,
    }
}

fn id(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Returns one pair of item and payload for each member if the value of a change is a list, else
/// one pair.
fn members(channel: Channel, item: &Value) -> Vec<(Value, Value)> {
    let members = item["value"].as_array().filter(|list| !list.is_empty());
    let Some(members) = members.filter(|_| matches!(channel, Channel::Changes | Channel::Entry))
    else {
        let payload = match (channel, &item["value"]) {
            (Channel::Entry, Value::Null) => &item["field"],
            (Channel::Entry, value) => value,
            _ => item,
        };
        return vec![(item.clone(), payload.clone())];
    };
    let alone = |member: &Value| {
        let mut change = Map::from_iter([("value".to_owned(), member.clone())]);
        for key in ["field", "verb"]
            .into_iter()
            .filter(|key| item[key].is_string())
        {
            change.insert(key.to_owned(), item[key].clone());
        }
        (Value::Object(change), member.clone())
    };
    members.iter().map(alone).collect()
}

/// Events of a notification as derived from the tree.
fn by_tree(body: &Value) -> Vec<Seen> {
    let mut all = Vec::new();
    let typed = body["object"]
        .as_str()
        .is_none_or(|object| matches!(object, "" | "instagram"));
    let entries = body["entry"].as_array().into_iter().flatten();
    for entry in entries.filter(|entry| entry.is_object()) {
        let mut add = |channel, item: &Value| {
            for (item, payload) in members(channel, item) {
                let seen = Seen::by_tree(channel, id(&entry["id"]), &item, typed);
                all.push(Seen { payload, ..seen });
            }
        };
        for (key, channel) in [
            ("changes", Channel::Changes),
            ("messaging", Channel::Messaging),
            ("standby", Channel::Standby),
        ] {
            let items = entry[key].as_array().into_iter().flatten();
            items.for_each(|item| add(channel, item));
        }
        if !entry["field"].is_null() {
            let parts = ["field", "value", "verb"].map(|key| (key.to_owned(), entry[key].clone()));
            let parts = parts.into_iter().filter(|(_, value)| !value.is_null());
            add(Channel::Entry, &Value::Object(parts.collect()));
        }
    }
    all
}

/// A small value of any type.
fn odd() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        "[a-z0-9ä😍\"\\\\/\n]{0,12}".prop_map(Value::from),
        Just(json!({})),
        Just(json!({"id": "7", "mid": "inside"})),
        Just(json!([1, []])),
    ]
}

/// Usually a value of `usual`, occasionally an odd value.
fn mostly(usual: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Value> {
    prop_oneof![9 => usual, 1 => odd()].boxed()
}

/// An object with some of `keys`.
fn object(keys: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let pairs: Vec<_> = keys
        .into_iter()
        .map(|(key, value)| prop::option::weighted(0.8, (Just(key.to_owned()), value)))
        .collect();
    let whole = pairs.prop_map(|pairs| pairs.into_iter().flatten().collect::<Map<_, _>>());
    whole.prop_map(Value::Object).boxed()
}

fn list(of: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    mostly(vec(of, 0..4).prop_map(Value::Array))
}

fn party() -> BoxedStrategy<Value> {
    mostly(object(vec![
        ("id", odd().boxed()),
        ("username", odd().boxed()),
    ]))
}

fn messaging() -> BoxedStrategy<Value> {
    let message = object(vec![
        ("mid", odd().boxed()),
        ("text", odd().boxed()),
        ("new_key", odd().boxed()),
    ]);
    mostly(object(vec![
        ("sender", party()),
        ("recipient", party()),
        ("read", odd().boxed()),
        ("message", mostly(message)),
    ]))
}

fn change() -> Vec<(&'static str, BoxedStrategy<Value>)> {
    let value = object(vec![
        ("id", odd().boxed()),
        ("text", odd().boxed()),
        ("from", party()),
        ("media", party()),
    ]);
    let field = prop::sample::select(&["comments", "something_new"][..]).prop_map(Value::from);
    vec![
        ("field", mostly(field)),
        ("value", mostly(value)),
        ("verb", odd().boxed()),
    ]
}

fn notification() -> BoxedStrategy<Value> {
    let object_ = prop::sample::select(&["instagram", "page", ""][..]).prop_map(Value::from);
    let mut entry = change();
    entry.extend([
        ("id", odd().boxed()),
        ("changes", list(mostly(object(change())))),
        ("messaging", list(messaging())),
        ("standby", list(messaging())),
    ]);
    object(vec![
        ("object", mostly(object_)),
        ("entry", list(mostly(object(entry)))),
    ])
}

/// Writes a value in varied spelling: `dice` chooses white space, escapes and repeated keys, of
/// which the last counts.
fn spell(value: &Value, dice: &mut impl Iterator<Item = u8>, out: &mut String) {
    let space = |dice: &mut dyn Iterator<Item = u8>| {
        ["", "", " ", "\n\t"][usize::from(dice.next().unwrap() % 4)]
    };
    *out += space(dice);
    match value {
        Value::String(text) => spell_text(text, dice, out),
        Value::Array(list) => {
            out.push('[');
            for (at, value) in list.iter().enumerate() {
                *out += if at > 0 { "," } else { "" };
                spell(value, dice, out);
            }
            out.push(']');
        }
        Value::Object(pairs) => {
            out.push('{');
            for (at, (key, value)) in pairs.iter().enumerate() {
                *out += if at > 0 { "," } else { "" };
                if dice.next().unwrap().is_multiple_of(8) {
                    spell_text(key, dice, out);
                    *out += ":{\"id\":\"not this\",\"mid\":[\"}\"]},";
                }
                spell_text(key, dice, out);
                *out += space(dice);
                out.push(':');
                spell(value, dice, out);
            }
            out.push('}');
        }
        other => write!(out, "{other}").unwrap(),
    }
    *out += space(dice);
}

fn spell_text(text: &str, dice: &mut impl Iterator<Item = u8>, out: &mut String) {
    out.push('"');
    for char in text.chars() {
        let must = matches!(char, '"' | '\\' | '\n');
        if must || dice.next().unwrap().is_multiple_of(6) {
            for unit in char.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}").unwrap();
            }
        } else {
            out.push(char);
        }
    }
    out.push('"');
}

proptest! {
    #[test]
    fn every_event_is_what_a_tree_of_the_body_says(
        body in notification(),
        dice in vec(any::<u8>(), 1..200),
    ) {
        let text = body.to_string();
        let plain = read(&text);
        let seen: Vec<_> = plain.events.iter().map(|it| Seen::by_us(it, &text)).collect();
        prop_assert_eq!(&seen, &by_tree(&body));
        let mut spelled = String::new();
        spell(&body, &mut dice.into_iter().cycle(), &mut spelled);
        let found = read(&spelled);
        let again: Vec<_> = found.events.iter().map(|it| Seen::by_us(it, &spelled)).collect();
        prop_assert_eq!(&again, &seen, "{}", &spelled);
        let keys = |of: &[Event]| of.iter().map(|it| it.dedupe_key).collect::<Vec<_>>();
        prop_assert_eq!(keys(&found.events), keys(&plain.events), "{}", spelled);
        prop_assert_eq!((found.object, found.unreadable), (plain.object, plain.unreadable));
    }
}
