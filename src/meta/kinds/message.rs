//! Kind `message`: a message or an echo (`messages`).

use super::{
    Content, Item, NaturalKey,
    field::{Fields, flag, json, text, types},
    message_deleted, referral,
};
use crate::meta::{data::Data, ids::Ids, json::Object};

/// Own fields of a message.
pub(super) const FIELDS: Fields = &[
    &[
        flag("is_unsupported"),
        json("attachments").content(),
        types("attachment_types").at("attachments"),
        text("quick_reply_payload")
            .at("quick_reply.payload")
            .content(),
        flag("is_self_reply").at("reply_to.is_self_reply"),
        text("story_id").at("reply_to.story.id"),
        text("story_url").at("reply_to.story.url").content(),
        text("story_link_sticker_url")
            .at("reply_to.story.link_sticker_url")
            .content(),
    ],
    &referral::fields("referral"),
    &[
        text("echo_app_id").at("app_id"),
        text("metadata").content(),
        text("sticker_id").content(),
        text("folder"),
    ],
];

pub(super) fn read<'a>(item: &Item<'_, 'a>, key: &mut NaturalKey<'_>) -> Content<'a> {
    let message = &item.inner;
    let reply_to = message.object("reply_to");
    let content = message_deleted::read(item, key);
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
