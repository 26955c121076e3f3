//! Kind `seen`: a read receipt (`messaging_seen`), up to a message (Instagram) or up to a time, its
//! `watermark` (Messenger).

use super::{
    Content, Item, NaturalKey,
    field::{Fields, integer, moment},
};
use crate::meta::{data::Data, ids::Ids};

/// Own fields of a read receipt.
pub(super) const FIELDS: Fields = &[&[moment("watermark"), integer("seq")]];

pub(super) fn read<'a>(item: &Item<'_, 'a>, key: &mut NaturalKey<'_>) -> Content<'a> {
    let read = &item.inner;
    let [mid, watermark] = ["mid", "watermark"].map(|key| read.id(key));
    match (&mid, &watermark) {
        (None, Some(watermark)) => {
            let [sender, recipient] = key.parties();
            key.named(Some(watermark), &[sender, recipient]);
        }
        _ => key.of_message(mid.as_deref(), &[]),
    }
    Content {
        ids: Ids::message(mid),
        data: Data::default()
            .moment("watermark", watermark.as_deref())
            .integer("seq", read.integer("seq")),
        ..Content::default()
    }
}
