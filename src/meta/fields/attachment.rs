//! What is attached to a message: media, shares, stories, templates, stickers.

use std::borrow::Cow;

use crate::meta::{
    json::{Extra, Object, Value},
    open_enum::open_enum,
};

open_enum! {
    /// The type of an attachment. New ones appear every few months.
    AttachmentType {
        /// An image, also a GIF or a sticker.
        Image = "image",
        /// A video.
        Video = "video",
        /// A voice message.
        Audio = "audio",
        /// A file.
        File = "file",
        /// Media whose type Meta does not say.
        Media = "media",
        /// A shared post, in the older form.
        Share = "share",
        /// A shared post.
        IgPost = "ig_post",
        /// A shared reel.
        IgReel = "ig_reel",
        /// A shared reel, in the older form.
        Reel = "reel",
        /// A shared story.
        IgStory = "ig_story",
        /// A shared story, in the older form.
        Story = "story",
        /// The account was mentioned in a story. The media may not be kept.
        StoryMention = "story_mention",
        /// Media to be seen once; comes without payload.
        Ephemeral = "ephemeral",
        /// The heart of a double tap; comes without payload.
        LikeHeart = "like_heart",
        /// A template: generic, or a product.
        Template = "template",
        /// A sticker.
        Sticker = "sticker",
        /// Something Meta shows as a link.
        Fallback = "fallback",
        /// A place.
        Location = "location",
        /// Something Meta does not show to apps.
        UnsupportedType = "unsupported_type",
    }
}

/// One attachment. Its address ends some time later; Meta keeps no copy for us.
#[derive(Clone, Debug)]
pub struct Attachment<'a> {
    /// Its type; none where the item does not say.
    pub kind: Option<AttachmentType<'a>>,
    /// Where the media is, or what the link leads to.
    pub url: Option<Cow<'a, str>>,
    /// The title of what was shared.
    pub title: Option<Cow<'a, str>>,
    /// The shared post, reel or story.
    pub media_id: Option<Cow<'a, str>>,
    /// The sticker.
    pub sticker_id: Option<Cow<'a, str>>,
    /// Latitude and longitude in degrees.
    pub coordinates: Option<(f64, f64)>,
    /// The elements of a template: cards, or products.
    pub elements: Vec<Element<'a>>,
    /// What is not modelled, of the attachment and of its payload.
    pub extra: Extra<'a>,
}

/// One card or product of a template.
#[derive(Clone, Debug)]
pub struct Element<'a> {
    /// The product.
    pub id: Option<Cow<'a, str>>,
    /// The shop's own id of the product.
    pub retailer_id: Option<Cow<'a, str>>,
    /// The title.
    pub title: Option<Cow<'a, str>>,
    /// The line below it.
    pub subtitle: Option<Cow<'a, str>>,
    /// Its picture.
    pub image_url: Option<Cow<'a, str>>,
    /// What is not modelled: buttons and actions.
    pub extra: Extra<'a>,
}

/// More attachments of a message, or elements of one, are not read; Meta documents ten. A body has
/// room for a million empty ones, each of which would take memory.
const MAX_PARTS: usize = 100;

const MEDIA_IDS: [&str; 3] = ["ig_post_media_id", "reel_video_id", "story_media_id"];
const KEYS: &[&str] = &[
    "url",
    "story_media_url",
    "title",
    "ig_post_media_id",
    "reel_video_id",
    "story_media_id",
    "sticker_id",
    "coordinates",
    "generic",
    "product",
    "elements",
];

impl<'a> Attachment<'a> {
    /// Reads the elements of `attachments` that are objects.
    pub(crate) fn read_all(message: &Object<'_, 'a>) -> Vec<Self> {
        let values = message.list("attachments").unwrap_or_default();
        let attachments = values.filter_map(Self::read);
        attachments.take(MAX_PARTS).collect()
    }

    fn read(value: Value<'_, 'a>) -> Option<Self> {
        let attachment = value.object()?;
        let payload = attachment.object("payload");
        let mut extra = attachment.extra(&["type", "payload", "url", "title"]);
        if payload.is_none() {
            // A fallback has been documented with a text in its place.
            let text = attachment.raw("payload");
            extra.extend(text.map(|text| ("payload".into(), text)));
        }
        let payload = payload.unwrap_or_default();
        let text = |key: &str| payload.text(key).or_else(|| attachment.text(key));
        extra.extend(payload.extra(KEYS));
        Some(Self {
            kind: attachment.text("type").map(Into::into),
            url: text("url").or_else(|| payload.text("story_media_url")),
            title: text("title"),
            media_id: MEDIA_IDS.iter().find_map(|key| payload.id(key)),
            sticker_id: payload.id("sticker_id"),
            coordinates: coordinates(&payload),
            elements: elements(&payload),
            extra,
        })
    }
}

impl<'a> Element<'a> {
    fn read(value: Value<'_, 'a>) -> Option<Self> {
        let element = value.object()?;
        Some(Self {
            id: element.id("id"),
            retailer_id: element.id("retailer_id"),
            title: element.text("title"),
            subtitle: element.text("subtitle"),
            image_url: element.text("image_url"),
            extra: element.extra(&["id", "retailer_id", "title", "subtitle", "image_url"]),
        })
    }
}

fn coordinates(payload: &Object<'_, '_>) -> Option<(f64, f64)> {
    let place = payload.object("coordinates")?;
    Some((place.decimal("lat")?, place.decimal("long")?))
}

/// Elements stand in `generic` or `product`, or directly in the payload.
fn elements<'a>(payload: &Object<'_, 'a>) -> Vec<Element<'a>> {
    let template = payload
        .object("generic")
        .or_else(|| payload.object("product"));
    let elements = template.as_ref().unwrap_or(payload).list("elements");
    elements
        .unwrap_or_default()
        .filter_map(Element::read)
        .take(MAX_PARTS)
        .collect()
}
