//! Undocumented payloads: no view may fail because of a strange value.

use std::iter;

use hookshelf::meta::event::Kind;
use serde_json::Value;
use sqlx::AssertSqlSafe;

use super::{columns::store, views};
use crate::support::{
    postgres::TestDatabase,
    samples::{fill, samples},
};

/// Values of unexpected types and sizes.
const STRANGE: &[&str] = &[
    "null",
    "true",
    "[]",
    "{}",
    "\"\"",
    "\"x\"",
    "5",
    "-1",
    "0.5",
    "1e999",
    "-1e-999",
    "12345678901234567890123",
    "\"12345678901234567890123\"",
    "\" 7 \"",
    "\"\u{a0}7\"",
    "\"٣\"",
    "\"1e5\"",
    "9223372036854775807",
    "9223372036854775808",
    "99999999999",
    "253402300799999",
    "253402300800000",
    "\"2026-11-20T12:00:00+0000\"",
    "\"\\ufffd\\n\\u001b\"",
    "[1, \"a\", null, [], {}, {\"type\": {}}, {\"type\": \"image\", \"payload\": 5}]",
];

/// Placeholder for the ids and times of an item.
const OWN: &str = "1794472528925";

/// Placeholder for a value of [`STRANGE`].
const MARK: &str = "a strange value";

/// Number of levels of an item with replaced values.
const DEPTHS: usize = 7;

/// Unites all samples of a kind into one item: the value of a change, or a messaging item.
fn all_of(kind: Kind) -> Value {
    let own = |name: &str| {
        let has_its_own =
            ["now", "id", "mid", "earlier_mid", "comment_id", "media_id"].contains(&name);
        has_its_own.then(|| OWN.to_owned())
    };
    let mut all = Value::Null;
    for (name, text) in samples() {
        if name.split_once('/').unwrap().0 == kind.as_str() {
            let body: Value = serde_json::from_str(&fill(text, own)).unwrap();
            for entry in body["entry"].as_array().unwrap() {
                items(entry).for_each(|item| unite(&mut all, item));
            }
        }
    }
    all
}

fn items(entry: &Value) -> impl Iterator<Item = &Value> {
    let items = |container| entry[container].as_array().into_iter().flatten();
    let changes = items("changes").map(|change| &change["value"]);
    changes
        .chain(items("messaging"))
        .chain(items("standby"))
        .chain(entry.get("value"))
}

/// Adds the keys of `other` that `all` lacks, in every object.
fn unite(all: &mut Value, other: &Value) {
    match (all, other) {
        (Value::Object(all), Value::Object(other)) => {
            for (key, value) in other {
                unite(all.entry(key).or_insert(Value::Null), value);
            }
        }
        (all @ Value::Null, other) => *all = other.clone(),
        _ => {}
    }
}

/// Replaces everything at this depth with [`MARK`].
fn marked(value: &Value, depth: usize) -> Value {
    match value {
        _ if depth == 0 => MARK.into(),
        Value::Object(pairs) => {
            let pairs = pairs.iter();
            pairs
                .map(|(key, value)| (key.clone(), marked(value, depth - 1)))
                .collect()
        }
        Value::Array(list) => list.iter().map(|it| marked(it, depth - 1)).collect(),
        plain => plain.clone(),
    }
}

/// Items of a kind with every strange value at every depth: the united item, and each object in it.
fn strange(kind: Kind) -> Vec<String> {
    let all = all_of(kind);
    let inner = all.as_object().into_iter().flat_map(|all| all.values());
    let mut found = Vec::new();
    for item in iter::once(&all).chain(inner.filter(|it| it.is_object())) {
        for depth in 0..DEPTHS {
            let text = marked(item, depth).to_string();
            for value in STRANGE {
                let own = (1_794_472_528_000 + found.len()).to_string();
                let quoted = format!("\"{MARK}\"");
                found.push(text.replace(&quoted, value).replace(OWN, &own));
            }
        }
    }
    found
}

/// A notification with these items in standby and as changes of the field.
fn body(field: &str, items: &[String]) -> String {
    let change = |item: &String| format!("{{\"field\":\"{field}\",\"value\":{item}}}");
    let changes: Vec<_> = items.iter().map(change).collect();
    let (standby, changes) = (items.join(","), changes.join(","));
    format!(
        r#"{{"object":"instagram","entry":[{{"id":"17840","standby":[{standby}],"changes":[{changes}]}}]}}"#
    )
}

#[tokio::test]
async fn every_column_can_be_read_whatever_an_item_says() {
    let database = TestDatabase::create().await;
    let mut connection = database.connect().await;
    for (view, kind) in views(&mut connection).await {
        let items = strange(kind);
        for some in items.chunks(100) {
            let field = kind.field().unwrap_or("follow");
            store(&mut connection, body(field, some)).await;
        }
        // Converting a row to text evaluates all columns.
        let read = format!("SELECT count(v::text) FROM {view} AS v");
        let count: Result<i64, _> = sqlx::query_scalar(AssertSqlSafe(read))
            .fetch_one(&mut connection)
            .await;
        let count = count.map_err(|error| error.to_string());
        assert!(
            count.as_ref().is_ok_and(|count| *count > 0),
            "{view}: {count:?}"
        );
    }
}
