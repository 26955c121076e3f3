//! Differences between two JSON texts: the payloads of an event and of its repeat.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::meta::json::{Index, Value};

/// Key with different values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Difference {
    /// Path of the key, such as `value.media.ad_id` or `message.attachments[0].type`.
    pub key: String,
    /// Value in the event: decoded if it is a string, else JSON; `None` if the key is missing.
    pub event: Option<String>,
    /// Value in the repeat, in the same form.
    pub repeat: Option<String>,
}

/// Keys with different values, in order of their paths. The spelling of values does not count.
pub fn differences(event: &str, repeat: &str) -> Vec<Difference> {
    let (event, mut repeat) = (leaves(event), leaves(repeat));
    let mut all: BTreeMap<_, _> = event
        .into_iter()
        .map(|(key, value)| (key.clone(), (Some(value), repeat.remove(&key))))
        .collect();
    all.extend(
        repeat
            .into_iter()
            .map(|(key, value)| (key, (None, Some(value)))),
    );
    all.retain(|_, (event, repeat)| event != repeat);
    all.into_iter()
        .map(|(key, (event, repeat))| Difference { key, event, repeat })
        .collect()
}

/// Leaf values of a JSON text by path: scalars, empty objects and empty lists.
fn leaves(text: &str) -> BTreeMap<String, String> {
    let index = Index::of(text).unwrap_or_default();
    let mut found = BTreeMap::new();
    let mut left = vec![(String::new(), index.root(text))];
    while let Some((path, value)) = left.pop() {
        let inside = inside(&path, value);
        if inside.is_empty() {
            let text = value.string().unwrap_or_else(|| value.raw().into());
            found.insert(path, text.into_owned());
        }
        left.extend(inside);
    }
    found
}

fn inside<'t, 'a>(path: &str, value: Value<'t, 'a>) -> Vec<(String, Value<'t, 'a>)> {
    if let Some(list) = value.list() {
        let numbered = list.enumerate();
        return numbered
            .map(|(n, value)| (format!("{path}[{n}]"), value))
            .collect();
    }
    let pairs = value.object().into_iter().flat_map(|object| object.pairs());
    let named = pairs.map(|(key, value)| (key.string().unwrap_or_default(), value));
    // The last value of a repeated key counts.
    let named: BTreeMap<_, _> = named.collect();
    let joint = if path.is_empty() { "" } else { "." };
    let paths = named.into_iter();
    paths
        .map(|(key, value)| (format!("{path}{joint}{key}"), value))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(event: &str, repeat: &str) -> Vec<String> {
        let shown = |value: Option<String>| value.unwrap_or_else(|| "-".into());
        let all = differences(event, repeat).into_iter();
        all.map(|it| format!("{} {} {}", it.key, shown(it.event), shown(it.repeat)))
            .collect()
    }

    #[test]
    fn each_key_that_differs_is_named_with_both_values() {
        let event = r#"{"field":"comments","value":{"id":"5","media":{"id":"9"},"a":[1,{"b":2}]}}"#;
        let repeat =
            r#"{"value":{"a":[1,{"b":3},[]],"media":{"id":"8","ad_id":"7"}},"field":"comments"}"#;
        let expected = [
            "value.a[1].b 2 3",
            "value.a[2] - []",
            "value.id 5 -",
            "value.media.ad_id - 7",
            "value.media.id 9 8",
        ];
        assert_eq!(found(event, repeat), expected);
    }

    #[test]
    fn spelling_is_no_difference() {
        let event = r#"{"text":"\u00e4","n":12345678901234567890123}"#;
        let repeat = "{ \"n\":12345678901234567890123, \"text\" : \"ä\" }";
        assert_eq!(found(event, repeat), [""; 0]);
        assert_eq!(found("1", "\"2\""), [" 1 2"]);
    }
}
