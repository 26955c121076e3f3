//! Kind `message_edit`: a new text for a message (`message_edit`).
//!
//! Recorded edits often lack the text and the sender, and have `num_edit` 0 shortly after a media
//! message; such an edit is not a new message. `num_edit` is documented as a string and sent as a
//! number.

use super::{
    Content, Item, NaturalKey,
    field::{Fields, integer},
};
use crate::meta::{data::Data, ids::Ids};

/// Own fields of an edit.
pub(super) const FIELDS: Fields = &[&[integer("num_edit")]];

pub(super) fn read<'a>(item: &Item<'_, 'a>, key: &mut NaturalKey<'_>) -> Content<'a> {
    let edit = &item.inner;
    let (mid, text, num_edit) = (edit.id("mid"), edit.text("text"), edit.integer("num_edit"));
    let count = num_edit.map(|count| count.to_string());
    match mid.as_deref() {
        // The `mid` implies both parties.
        Some(mid) => key.part(Some(mid)).at(&[count.as_deref()]),
        None => key.between(&[count.as_deref(), text.as_deref()]),
    }
    Content {
        ids: Ids::message(mid),
        text,
        data: Data::default().integer("num_edit", num_edit),
        ..Content::default()
    }
}
