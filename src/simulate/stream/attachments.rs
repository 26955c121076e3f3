//! What messages carry instead of a text.

use super::{
    super::json::{Json, object},
    act::Attachment,
    stage::Stage,
    texts,
};

/// The keys of a message with this attachment.
pub(super) fn attached(attachment: Attachment, stage: &mut Stage, trade: usize) -> Json {
    let kind = match attachment {
        Attachment::Image => "image",
        Attachment::Video => "video",
        Attachment::Audio => "audio",
        Attachment::Post => "ig_post",
        Attachment::Reel => "ig_reel",
        Attachment::StoryMention => "story_mention",
        Attachment::Ephemeral => return bare("ephemeral"),
        Attachment::LikeHeart => return bare("like_heart"),
        Attachment::Sticker => "sticker",
        Attachment::Hologram => "hologram",
        Attachment::Unsupported => return object! { "is_unsupported": true },
    };
    let payload = about(attachment, stage, trade).and(object! { "url": stage.media_url() });
    object! { "attachments": [object! { "type": kind, "payload": payload }] }
}

fn bare(kind: &str) -> Json {
    object! { "attachments": [object! { "type": kind }] }
}

/// What the payload says beside the address.
fn about(attachment: Attachment, stage: &mut Stage, trade: usize) -> Json {
    match attachment {
        Attachment::Post => object! {
            "ig_post_media_id": stage.media_id(),
            "title": texts::title(trade, &mut stage.random),
        },
        Attachment::Reel => object! {
            "reel_video_id": stage.media_id(),
            "title": texts::title(trade, &mut stage.random),
        },
        Attachment::Sticker => object! { "sticker_id": i64::from(stage.random.below(u32::MAX)) },
        Attachment::Hologram => object! { "hologram_id": stage.media_id() },
        _ => object! {},
    }
}
