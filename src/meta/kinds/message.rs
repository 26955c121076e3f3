//! Kinds `message` and `message_deleted`: a message, an echo, or an unsent message (`messages`).

use super::{Content, Item, NaturalKey, referral};
use crate::meta::{data::Data, ids::Ids, json::Object};

pub(super) fn read<'a>(item: &Item<'_, 'a>, key: &mut NaturalKey<'_>) -> Content<'a> {
    let message = &item.inner;
    let reply_to = message.object("reply_to");
    let content = read_deleted(item, key);
    Content {
        ids: Ids {
            parent_id: reply_to.as_ref().and_then(|reply| reply.id("mid")),
            ..content.ids
        },
        text: message.text("text"),
        data: Data::default()
            .flag("is_unsupported", message.flag("is_unsupported"))
            .value("attachments", message.get("attachments"))
            .object("quick_reply", quick_reply(message))
            .object("reply_to", reply_to.map(|reply| story_reply(&reply)))
            .object("referral", referral::beside(item))
            .text("app_id", message.id("app_id"))
            .text("metadata", message.text("metadata"))
            .text("sticker_id", message.id("sticker_id"))
            .text("folder", item.value.text("folder")),
        ..content
    }
}

/// Reads an unsent message, which has only its id and flags.
pub(super) fn read_deleted<'a>(item: &Item<'_, 'a>, key: &mut NaturalKey<'_>) -> Content<'a> {
    let mid = item.inner.id("mid");
    key.message(mid.as_deref());
    Content {
        ids: Ids::message(mid),
        is_echo: item.inner.flag("is_echo"),
        is_self: item.inner.flag("is_self"),
        ..Content::default()
    }
}

fn quick_reply(message: &Object<'_, '_>) -> Option<Data> {
    let reply = message.object("quick_reply")?;
    Some(Data::default().text("payload", reply.text("payload")))
}

/// The message or story that is answered. The `mid` of a message has its own column.
fn story_reply(reply: &Object<'_, '_>) -> Data {
    let story = reply.object("story").map(|story| {
        Data::default()
            .text("id", story.id("id"))
            .text("url", story.text("url"))
            .text("link_sticker_url", story.text("link_sticker_url"))
    });
    Data::default()
        .flag("is_self_reply", reply.flag("is_self_reply"))
        .object("story", story)
}
