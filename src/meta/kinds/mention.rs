//! Kind `mention`: a mention of the account in a comment or caption (`mentions`). The item does not
//! contain the text.

use super::{
    Content, Item, NaturalKey,
    field::{self, Fields},
};
use crate::meta::ids::Ids;

/// No own fields.
pub(super) const FIELDS: Fields = field::NONE;

pub(super) fn read<'a>(item: &Item<'_, 'a>, key: &mut NaturalKey<'_>) -> Content<'a> {
    let [media_id, comment_id] = ["media_id", "comment_id"].map(|key| item.value.id(key));
    match (media_id.as_deref(), comment_id.as_deref()) {
        (None, comment) => key.named(comment, &[]),
        (media, comment) => key.named(media, &[comment.or(Some("caption"))]),
    }
    Content {
        ids: Ids {
            comment_id,
            media_id,
            ..Ids::default()
        },
        ..Content::default()
    }
}
