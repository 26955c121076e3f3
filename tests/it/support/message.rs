//! Notifications in Meta's format.

use serde_json::{Value, json};

/// A notification without entries.
pub(crate) const EMPTY: &str = r#"{"object":"instagram","entry":[]}"#;

/// A notification of one message to the test account.
pub(crate) fn message(mid: &str, text: &str) -> String {
    messages("7001", "17840000000000001", &[(mid, text)])
}

/// A notification of messages from a person to an account, each with its mid and text.
pub(crate) fn messages(person: &str, account: &str, said: &[(&str, &str)]) -> String {
    let item = |(mid, text): &(&str, &str)| {
        format!(
            r#"{{"sender":{{"id":"{person}"}},"recipient":{{"id":"{account}"}},
            "timestamp":1795000000123,"message":{{"mid":"{mid}","text":"{text}"}}}}"#
        )
    };
    let items: Vec<_> = said.iter().map(item).collect();
    let items = items.join(",");
    format!(
        r#"{{"object":"instagram","entry":[{{"time":1795000000456,"id":"{account}","messaging":[{items}]}}]}}"#
    )
}

/// A notification of one item in `messaging` or `changes`.
pub(crate) fn notification(account: &str, container: &str, item: &Value) -> String {
    let entry = json!({"id": account, "time": 1_793_000_000, container: [item]});
    json!({"object": "instagram", "entry": [entry]}).to_string()
}

/// A notification of a comment by person 7001.
pub(crate) fn comment(account: &str, id: &str, text: &str) -> String {
    let value = json!({"id": id, "text": text, "from": {"id": "7001"}});
    notification(
        account,
        "changes",
        &json!({"field": "comments", "value": value}),
    )
}
