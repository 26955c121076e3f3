//! Masks of events in the form of Standard Webhooks.

use std::collections::{BTreeMap, BTreeSet};

use hookshelf::{clock::Clock, query::schema::COLUMNS, simulate::variants};
use serde_json::Value;

use super::{KEY, destination};
use crate::support::{
    event_schema::EventSchema,
    eventually,
    receiver::Receiver,
    server::{Server, apps},
};

/// Keys whose values a mask may change.
const MASKED: [&str; 5] = ["text", "username", "payload", "data", "masked"];

type Events = BTreeMap<String, Value>;

/// Configuration of a destination with this mask, which gets all events.
pub(crate) fn masking(name: &str, receiver: &Receiver, mask: &str) -> String {
    let keys = format!(
        "format = \"event\"\nsecret = \"{KEY}\"\nmask = [{mask}]\nstart = \"beginning\"\nrate = \"off\""
    );
    destination(name, receiver, &keys)
}

/// All stored events by position.
pub(crate) fn stored(server: &Server) -> Events {
    let output = server.run(&["events", "list", "--json", "--limit", "10000"]);
    assert!(output.status.success(), "{output:?}");
    let lines = String::from_utf8(output.stdout).unwrap();
    let lines = lines.lines();
    by_position(lines.map(|line| serde_json::from_str(line).unwrap()))
}

fn by_position(events: impl Iterator<Item = Value>) -> Events {
    let position = |event: &Value| event["position"].as_str().unwrap().to_owned();
    events.map(|event| (position(&event), event)).collect()
}

/// So many events that the destination `name` got, by position.
pub(crate) async fn sent(receiver: &Receiver, name: &str, count: usize) -> Events {
    let mut events = Events::new();
    eventually("all events arrive", async || {
        let got = receiver.got().into_iter();
        let got = got.filter(|got| got.path[1..] == *name);
        let bodies = got.map(|got| serde_json::from_slice(&got.body).unwrap());
        events = by_position(bodies.map(|mut body: Value| body["data"].take()));
        events.len() == count
    })
    .await;
    events
}

/// Checks an event from which everything is masked, against the event as stored.
pub(crate) fn assert_masked(schema: &EventSchema, masked: &Value, event: &Value) {
    schema.hold(masked);
    assert_same(masked, event);
    assert_eq!(
        (&masked["text"], &masked["username"]),
        (&Value::Null, &Value::Null)
    );
    let mut left = BTreeSet::new();
    texts(&masked["payload"], &mut left);
    texts(&masked["data"], &mut left);
    for content in contents(event) {
        assert!(!left.contains(&content), "{content} is left of {event}");
    }
    // Meta's reason of a policy enforcement is no content, and has a link.
    let is_reason = event["kind"] == "policy_enforcement";
    let link = left.iter().find(|text| text.contains("://"));
    assert!(is_reason || link.is_none(), "{link:?} is left of {event}");
}

/// Checks that the columns without content are those of the event.
fn assert_same(masked: &Value, event: &Value) {
    let plain = COLUMNS.iter().filter(|it| !MASKED.contains(&it.name));
    for name in plain.map(|it| it.name).chain(["kind"]) {
        assert_eq!(masked[name], event[name], "{name} of {event}");
    }
    let hidden = masked["masked"].as_array().unwrap().iter();
    let hidden: Vec<_> = hidden.map(|name| name.as_str().unwrap()).collect();
    for name in hidden.iter().filter(|name| !name.starts_with("data.")) {
        assert!(["text", "username", "payload"].contains(name), "{name}");
    }
    for (name, value) in event["data"].as_object().unwrap() {
        let is_hidden = hidden.contains(&&*format!("data.{name}"));
        assert!(
            is_hidden || masked["data"][name] == *value,
            "{name} of {event}"
        );
    }
}

/// Written texts and names of an event.
fn contents(event: &Value) -> impl Iterator<Item = String> {
    let data = ["reaction", "emoji", "title", "metadata", "feedback"];
    let data = data.into_iter().map(|name| &event["data"][name]);
    let all = [&event["text"], &event["username"]].into_iter().chain(data);
    all.filter_map(|it| it.as_str())
        .map(str::to_owned)
        .filter(|it| !it.is_empty())
}

/// Adds all strings in a value.
fn texts(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            found.insert(text.clone());
        }
        Value::Array(list) => list.iter().for_each(|it| texts(it, found)),
        Value::Object(object) => object.values().for_each(|it| texts(it, found)),
        _ => {}
    }
}

fn has(part: &str, text: &Value) -> bool {
    text.as_str().is_some_and(|it| it.contains(part))
}

#[tokio::test]
async fn each_mask_hides_its_part_of_every_kind() {
    let receiver = Receiver::start().await;
    let masks = [
        ("all", r#""text", "username", "media""#),
        ("text", r#""text""#),
        ("username", r#""username""#),
        ("media", r#""media""#),
    ];
    let masks = masks.map(|(name, mask)| masking(name, &receiver, mask));
    let server = Server::start_with(&[apps(["default"]), masks.concat()].concat()).await;
    for sample in variants(1, Clock::system().now()) {
        assert_eq!(server.deliver("/webhook", sample.body).await.status, 200);
    }
    let (events, schema) = (stored(&server), EventSchema::compile());
    let all = sent(&receiver, "all", events.len()).await;
    for (position, event) in &events {
        assert_masked(&schema, &all[position], event);
    }
    let of = async |name| sent(&receiver, name, events.len()).await;
    let [text, username, media] = [of("text").await, of("username").await, of("media").await];
    for (position, event) in &events {
        let [text, username, media] = [&text, &username, &media].map(|it| &it[position]);
        for masked in [text, username, media] {
            schema.hold(masked);
            assert_same(masked, event);
        }
        assert_eq!(
            (&text["text"], &text["username"]),
            (&Value::Null, &event["username"])
        );
        assert_eq!(
            (&username["text"], &username["username"]),
            (&event["text"], &Value::Null)
        );
        assert_eq!(
            (&media["text"], &media["username"]),
            (&event["text"], &event["username"])
        );
        assert_eq!(text["data"]["story_url"], event["data"]["story_url"]);
        assert!(media["data"]["story_url"].is_null());
        let payload = |it: &Value| it["payload"].to_string();
        assert!(
            !event["username"]
                .as_str()
                .is_some_and(|it| payload(username).contains(it)),
            "{username}"
        );
        // A link that the person wrote is text.
        let is_written = has("https:", &event["text"]) || event["kind"] == "policy_enforcement";
        assert!(is_written || !payload(media).contains("https:"), "{media}");
    }
}
