//! Messages with attachments: every type, those without a payload, and several at once.

use super::super::{
    json::{Json, object},
    plan::Plan,
};

pub(super) fn tell(plan: &mut Plan) {
    with_a_url(plan);
    shared_posts(plan);
    shared_stories(plan);
    without_payload(plan);
    templates(plan);
    other_shapes(plan);
    several(plan);
}

/// The keys of a message with one attachment.
fn attached(kind: &str, payload: Json) -> Json {
    object! { "attachments": [attachment(kind, payload)] }
}

fn attachment(kind: &str, payload: Json) -> Json {
    object! { "type": kind, "payload": payload }
}

fn with_a_url(plan: &mut Plan) {
    let shown = [
        ("messages/attachment_image", "image"),
        ("messages/attachment_video", "video"),
        ("messages/attachment_audio", "audio"),
        ("messages/attachment_file", "file"),
        ("messages/attachment_media", "media"),
        ("messages/attachment_share", "share"),
        ("messages/attachment_story", "story"),
        ("messages/attachment_story_mention", "story_mention"),
        ("messages/attachment_unsupported_type", "unsupported_type"),
    ];
    for (name, kind) in shown {
        let payload = object! { "url": plan.world.media_url() };
        plan.message(name, attached(kind, payload));
    }
    let payload = object! { "url": plan.world.media_url() };
    plan.echo("messages/echo_attachment", attached("image", payload));
}

fn shared_posts(plan: &mut Plan) {
    let payload = object! {
        "ig_post_media_id": plan.world.media_id(),
        "title": "Neu im Laden: Stahlrahmen, handgelötet",
        "url": plan.world.media_url(),
    };
    plan.message("messages/attachment_ig_post", attached("ig_post", payload));
    let titled = [
        (
            "messages/attachment_ig_reel",
            "ig_reel",
            object! { "title": "Laufrad in 30 s" },
        ),
        (
            "messages/attachment_ig_reel_without_title",
            "ig_reel",
            object! {},
        ),
        (
            "messages/attachment_reel",
            "reel",
            object! { "title": "Ofen an" },
        ),
    ];
    for (name, kind, title) in titled {
        let url = object! { "url": plan.world.media_url() };
        let payload = object! { "reel_video_id": plan.world.media_id() }
            .and(title)
            .and(url);
        plan.message(name, attached(kind, payload));
    }
}

fn shared_stories(plan: &mut Plan) {
    let payload = object! {
        "story_media_id": plan.world.media_id(),
        "story_media_url": plan.world.media_url(),
    };
    plan.message(
        "messages/attachment_ig_story",
        attached("ig_story", payload),
    );
}

fn without_payload(plan: &mut Plan) {
    let shown = [
        ("messages/attachment_ephemeral", "ephemeral"),
        ("messages/attachment_like_heart", "like_heart"),
    ];
    for (name, kind) in shown {
        plan.message(name, object! { "attachments": [object! { "type": kind }] });
    }
}

fn templates(plan: &mut Plan) {
    let empty: Vec<Json> = Vec::new();
    let generic = object! { "elements": [appointment()] };
    let payload = object! { "generic": generic };
    plan.message(
        "messages/attachment_template_generic",
        attached("template", payload),
    );
    let payload = object! { "generic": object! { "elements": empty } };
    plan.message(
        "messages/attachment_template_generic_empty",
        attached("template", payload),
    );
    let element = object! {
        "id": plan.world.random.digits(16),
        "retailer_id": "sattel-07",
        "image_url": "https://example.org/img/sattel.jpg",
        "title": "Ledersattel",
        "subtitle": "89,00 €",
    };
    let payload = object! { "product": object! { "elements": [element] } };
    plan.message(
        "messages/attachment_template_product",
        attached("template", payload),
    );
}

fn appointment() -> Json {
    let address = "https://example.org/termine/4471";
    let see = object! { "type": "web_url", "url": address, "title": "Ansehen" };
    let cancel = object! { "type": "postback", "title": "Absagen", "payload": "CANCEL_4471" };
    object! {
        "title": "Werkstatttermin",
        "subtitle": "Dienstag, 14:30",
        "image_url": "https://example.org/img/werkstatt.png",
        "default_action": object! { "type": "web_url", "url": address },
        "buttons": [see, cancel],
    }
}

fn other_shapes(plan: &mut Plan) {
    let sticker_id = i64::from(plan.world.random.below(u32::MAX));
    let payload = object! { "url": plan.world.media_url(), "sticker_id": sticker_id };
    plan.message("messages/attachment_sticker", attached("sticker", payload));
    let payload = object! { "coordinates": object! { "lat": 53.5439, "long": 9.9669 } };
    plan.message(
        "messages/attachment_location",
        attached("location", payload),
    );
    let address = "https://example.org/museum";
    let fallback = object! {
        "type": "fallback",
        "payload": address,
        "title": "Museum am Siel",
        "url": address,
    };
    let keys = object! { "text": address, "attachments": [fallback] };
    plan.message("messages/attachment_fallback", keys);
    let hologram_id = plan.world.random.digits(17);
    let payload = object! { "hologram_id": hologram_id, "url": plan.world.media_url() };
    plan.message(
        "messages/attachment_unknown_type",
        attached("hologram", payload),
    );
}

fn several(plan: &mut Plan) {
    let image = attachment("image", object! { "url": plan.world.media_url() });
    let video = attachment("video", object! { "url": plan.world.media_url() });
    plan.message(
        "messages/attachment_two",
        object! { "attachments": [image, video] },
    );
    let post = object! {
        "ig_post_media_id": plan.world.media_id(),
        "title": "Roggen, 24 Stunden",
        "url": plan.world.media_url(),
    };
    let both = [
        attachment("share", post.clone()),
        attachment("ig_post", post),
    ];
    plan.message(
        "messages/attachment_share_and_ig_post",
        object! { "attachments": both },
    );
}
