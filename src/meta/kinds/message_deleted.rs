//! Kind `message_deleted`: an unsent message, which has only its id and flags (`messages`).

use super::{
    Content, Item, NaturalKey,
    field::{self, Fields},
};
use crate::meta::ids::Ids;

/// No own fields.
pub(super) const FIELDS: Fields = field::NONE;

pub(super) fn read<'a>(item: &Item<'_, 'a>, key: &mut NaturalKey<'_>) -> Content<'a> {
    let mid = item.inner.id("mid");
    key.message(mid.as_deref());
    Content {
        ids: Ids::message(mid),
        is_echo: item.inner.flag("is_echo"),
        is_self: item.inner.flag("is_self"),
        ..Content::default()
    }
}
