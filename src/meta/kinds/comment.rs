//! Kind `comment`: a comment on a media (`comments`) or on a live broadcast (`live_comments`).
//!
//! Editing, hiding or deleting a comment sends nothing. Some senders put the media's id and the
//! author's name beside the text, and a `verb`, which is undocumented for Instagram.

use super::{
    Content, Item, NaturalKey,
    field::{Fields, text},
};
use crate::meta::{data::Data, ids::Ids, json::Value};

/// Own fields of a comment.
pub(super) const FIELDS: Fields = &[&[
    text("self_ig_scoped_id"),
    text("media_product_type"),
    text("ad_id"),
    text("ad_title"),
    text("original_media_id"),
    text("verb"),
]];

pub(super) fn read<'a>(item: &Item<'_, 'a>, key: &mut NaturalKey<'_>) -> Content<'a> {
    let value = &item.value;
    let [from, media] = ["from", "media"].map(|key| value.object(key).unwrap_or_default());
    let id = value.id("id").or_else(|| value.id("comment_id"));
    let beside = item.verb.and_then(Value::string);
    let verb = value.text("verb").or(beside);
    // A comment, its edit and its removal share the id. Without a verb the comment was added.
    let done = match verb.as_deref() {
        None | Some("" | "added") => "add",
        Some(verb) => verb,
    };
    key.named(id.as_deref(), &[Some(done)]);
    let from_id = from.id("id");
    // The account's own replies are sent, too.
    let own_id = from.id("self_ig_scoped_id");
    let is_self = from_id.is_some() && (from_id == item.account_id || from_id == own_id);
    let username = from.text("username").or_else(|| value.text("username"));
    Content {
        ids: Ids {
            comment_id: id,
            // A child of an album comes without its album.
            media_id: media.id("id").or_else(|| value.id("media_id")),
            parent_id: value.id("parent_id"),
            ..Ids::default()
        },
        // Missing for a GIF or sticker.
        text: value.text("text"),
        is_self,
        author: Some([from_id, username]),
        data: Data::default()
            .text("verb", verb)
            .text("self_ig_scoped_id", own_id)
            .text("media_product_type", media.text("media_product_type"))
            .text("ad_id", media.id("ad_id"))
            .text("ad_title", media.text("ad_title"))
            .text("original_media_id", media.id("original_media_id")),
        ..Content::default()
    }
}
