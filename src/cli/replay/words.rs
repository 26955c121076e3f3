//! The filter of a replay in the words of the command line.

use serde_json::Value;

use super::super::api::Fields;

/// Options that choose the events of a replay, as an operator would type them.
pub(super) fn words(replay: &Value) -> String {
    let mut words = Vec::new();
    for (name, value) in replay["filter"].as_object().into_iter().flatten() {
        let value = match value {
            Value::Array(_) => replay["filter"].texts(name).join(","),
            Value::Bool(value) => value.to_string(),
            Value::Null => "(hidden)".to_owned(),
            _ => replay["filter"].text(name),
        };
        words.push(format!("--{name} {}", quoted(&value)));
    }
    for (key, option) in [
        ("of_dead", "--dead"),
        ("ignore_max_age", "--ignore-max-age"),
    ] {
        if replay.flag(key) {
            words.push(option.to_owned());
        }
    }
    if let Some(rate) = replay.some_text("rate") {
        words.push(format!("--rate {rate}"));
    }
    words.join(" ")
}

/// A word for a shell.
fn quoted(text: &str) -> String {
    let is_plain = |char: char| char.is_alphanumeric() || "-_.:,+@/".contains(char);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_filter_has_the_options_that_made_it() {
        let replay = json!({
            "filter": {"echo": false, "kind": ["comment", "message"],
                       "since": "2026-11-20T13:45:00Z", "text": "it's late", "username": null},
            "of_dead": true, "ignore_max_age": false, "rate": 20,
        });
        assert_eq!(
            words(&replay),
            "--echo false --kind comment,message --since 2026-11-20T13:45:00Z \
             --text 'it'\\''s late' --username '(hidden)' --dead --rate 20"
        );
    }
}
