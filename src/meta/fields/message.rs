//! A message, an echo, or one that was unsent (`messages`).

use std::borrow::Cow;

use super::{attachment::Attachment, referral::Referral};
use crate::meta::json::{Extra, Object};

/// A message. An unsent one carries its id and a flag only.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of Meta's")]
pub struct Message<'a> {
    /// The message's id, the same for all that happens to it.
    pub mid: Option<Cow<'a, str>>,
    /// Absent for media, unsupported and unsent messages.
    pub text: Option<Cow<'a, str>>,
    /// Media, shares, stories, templates.
    pub attachments: Vec<Attachment<'a>>,
    /// The payload of the quick reply that was tapped; `text` is its title.
    pub quick_reply_payload: Option<Cow<'a, str>>,
    /// What it answers.
    pub reply_to: Option<ReplyTo<'a>>,
    /// The ad or product through which it came.
    pub referral: Option<Referral<'a>>,
    /// It was unsent: its content must be deleted.
    pub is_deleted: bool,
    /// The account sent it, through whatever app.
    pub is_echo: bool,
    /// Meta cannot show it to apps.
    pub is_unsupported: bool,
    /// The account talks to itself.
    pub is_self: bool,
    /// The app that sent the echo.
    pub app_id: Option<Cow<'a, str>>,
    /// What that app wrote beside it.
    pub metadata: Option<Cow<'a, str>>,
    /// A Messenger sticker.
    pub sticker_id: Option<Cow<'a, str>>,
    /// What is not modelled.
    pub extra: Extra<'a>,
}

/// What a message answers: another message or a story.
#[derive(Clone, Debug)]
pub struct ReplyTo<'a> {
    /// The message.
    pub mid: Option<Cow<'a, str>>,
    /// The sender answers a message of their own.
    pub is_self_reply: bool,
    /// The story.
    pub story: Option<Story<'a>>,
    /// What is not modelled.
    pub extra: Extra<'a>,
}

/// A story that was answered.
#[derive(Clone, Debug)]
pub struct Story<'a> {
    /// The story.
    pub id: Option<Cow<'a, str>>,
    /// Its address, which ends with the story. The media may not be kept.
    pub url: Option<Cow<'a, str>>,
    /// Where its link sticker leads.
    pub link_sticker_url: Option<Cow<'a, str>>,
    /// What is not modelled.
    pub extra: Extra<'a>,
}

const KEYS: &[&str] = &[
    "mid",
    "text",
    "attachments",
    "quick_reply",
    "reply_to",
    "referral",
    "is_deleted",
    "is_echo",
    "is_unsupported",
    "is_self",
    "app_id",
    "metadata",
    "sticker_id",
];

impl<'a> Message<'a> {
    /// Reads the value of `message`. Its referral has also been seen beside it, in `item`.
    pub(crate) fn read(message: &Object<'_, 'a>, item: &Object<'_, 'a>) -> Self {
        let referral = message
            .object("referral")
            .or_else(|| item.object("referral"));
        Self {
            mid: message.id("mid"),
            text: message.text("text"),
            attachments: Attachment::read_all(message),
            quick_reply_payload: message
                .object("quick_reply")
                .and_then(|tap| tap.text("payload")),
            reply_to: message.object("reply_to").as_ref().map(ReplyTo::read),
            referral: referral.as_ref().map(Referral::read),
            is_deleted: message.flag("is_deleted"),
            is_echo: message.flag("is_echo"),
            is_unsupported: message.flag("is_unsupported"),
            is_self: message.flag("is_self"),
            app_id: message.id("app_id"),
            metadata: message.text("metadata"),
            sticker_id: message.id("sticker_id"),
            extra: message.extra(KEYS),
        }
    }

    /// The message it answers.
    pub fn parent(&self) -> Option<&Cow<'a, str>> {
        self.reply_to.as_ref()?.mid.as_ref()
    }
}

impl<'a> ReplyTo<'a> {
    fn read(reply: &Object<'_, 'a>) -> Self {
        Self {
            mid: reply.id("mid"),
            is_self_reply: reply.flag("is_self_reply"),
            story: reply.object("story").as_ref().map(Story::read),
            extra: reply.extra(&["mid", "is_self_reply", "story"]),
        }
    }
}

impl<'a> Story<'a> {
    fn read(story: &Object<'_, 'a>) -> Self {
        Self {
            id: story.id("id"),
            url: story.text("url"),
            link_sticker_url: story.text("link_sticker_url"),
            extra: story.extra(&["id", "url", "link_sticker_url"]),
        }
    }
}
