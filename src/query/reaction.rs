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
    let is_change = event.channel == Channel::Changes.as_str();
    let value = if is_change {
        item.object("value")?
    } else {
        item
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
