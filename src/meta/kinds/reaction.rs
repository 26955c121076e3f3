//! Kind `reaction`: a reaction to a message, or its removal (`message_reactions`). A removal has
//! neither name nor emoji.

use super::{
    Content, Item, NaturalKey,
    field::{Fields, text},
};
use crate::meta::{data::Data, ids::Ids};

/// Own fields of a reaction.
pub(super) const FIELDS: Fields = &[&[
    text("action"),
    text("reaction").content(),
    text("emoji").content(),
]];

pub(super) fn read<'a>(item: &Item<'_, 'a>, key: &mut NaturalKey<'_>) -> Content<'a> {
    let reaction = &item.inner;
    let mid = reaction.id("mid");
    let [action, name, emoji] = ["action", "reaction", "emoji"].map(|key| reaction.text(key));
    // The emoji comes with or without a variation selector, and may be missing.
    let bare = emoji.as_deref();
    let bare = bare.map(|emoji| emoji.trim_end_matches('\u{fe0f}'));
    key.of_message(
        mid.as_deref(),
        &[action.as_deref(), bare.or(name.as_deref())],
    );
    Content {
        ids: Ids::message(mid),
        data: Data::default()
            .text("action", action)
            .text("reaction", name)
            .text("emoji", emoji),
        ..Content::default()
    }
}
