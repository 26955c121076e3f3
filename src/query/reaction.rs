//! A reaction in a word: its emoji.

use super::EventRow;
use crate::meta::{
    event::{Channel, Kind},
    fields::{Reaction, ReactionAction, ReactionName},
    json::Index,
};

/// The emoji of a reaction, or its name where it has none; of one that was taken back `unreact`,
/// too. None of other events, and where the payload does not say.
pub fn reaction(event: &EventRow) -> Option<String> {
    if event.kind != Kind::Reaction.as_str() {
        return None;
    }
    let payload = event.payload.as_ref()?.get();
    let index = Index::of(payload)?;
    let item = index.root(payload).object()?;
    let is_item = [Channel::Messaging, Channel::Standby].map(Channel::as_str);
    let value = if is_item.contains(&event.channel.as_str()) {
        item
    } else {
        item.object("value")?
    };
    let reaction = value.object("reaction").unwrap_or(value);
    said(&Reaction::read(&reaction))
}

fn said(reaction: &Reaction<'_>) -> Option<String> {
    let action = reaction.action.as_ref();
    let action = action.filter(|action| **action != ReactionAction::React);
    let name = reaction.reaction.as_ref().map(ReactionName::as_str);
    let emoji = reaction.emoji.as_deref().or(name);
    let words: Vec<_> = action
        .map(ReactionAction::as_str)
        .into_iter()
        .chain(emoji)
        .collect();
    (!words.is_empty()).then(|| words.join(" "))
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    #[test]
    fn an_emoji_is_found_in_every_form_of_a_reaction() {
        let item = r#"{"reaction":{"mid":"m","action":"react","emoji":"🥨"}}"#;
        let change = format!(r#"{{"field":"message_reactions","value":{item}}}"#);
        for channel in Channel::ALL {
            let is_item = matches!(channel, Channel::Messaging | Channel::Standby);
            let payload = if is_item { item } else { &change };
            let event = EventRow {
                kind: Kind::Reaction.as_str().to_owned(),
                channel: channel.as_str().to_owned(),
                payload: Some(RawValue::from_string(payload.to_owned()).unwrap()),
                ..EventRow::default()
            };
            assert_eq!(reaction(&event).as_deref(), Some("🥨"), "{channel:?}");
        }
    }
}
