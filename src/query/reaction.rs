//! Short text of a reaction: its emoji.

use super::EventRow;
use crate::meta::{event::Kind, json::Index};

/// Emoji of a reaction, or its name if there is no emoji. An action other than `react`, such as
/// `unreact`, comes first. `None` for other events, or if the data of the reaction have neither.
pub fn reaction(event: &EventRow) -> Option<String> {
    if event.kind != Kind::Reaction.as_str() {
        return None;
    }
    let data = event.data.as_ref()?.get();
    let index = Index::of(data)?;
    let reaction = index.root(data).object()?;
    let action = reaction.text("action").filter(|action| action != "react");
    let emoji = reaction.text("emoji").or_else(|| reaction.text("reaction"));
    let words: Vec<_> = action.into_iter().chain(emoji).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    fn said(data: &str) -> Option<String> {
        reaction(&EventRow {
            kind: Kind::Reaction.as_str().to_owned(),
            data: Some(RawValue::from_string(data.to_owned()).unwrap()),
            ..EventRow::default()
        })
    }

    #[test]
    fn a_reaction_is_its_emoji_or_its_name() {
        let react = said(r#"{"action": "react", "reaction": "other", "emoji": "🥨"}"#);
        assert_eq!(react.as_deref(), Some("🥨"));
        let named = said(r#"{"action": "react", "reaction": "love"}"#);
        assert_eq!(named.as_deref(), Some("love"));
        assert_eq!(said(r#"{"action": "unreact"}"#).as_deref(), Some("unreact"));
        assert_eq!(said("{}"), None);
    }
}
