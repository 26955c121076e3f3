//! A comment on a media (`comments`) or on a live broadcast (`live_comments`).

use std::borrow::Cow;

use crate::meta::{
    json::{Extra, Object},
    open_enum::open_enum,
};

open_enum! {
    /// Where the commented media is shown.
    MediaProductType {
        /// A post.
        Feed = "FEED",
        /// A reel.
        Reels = "REELS",
        /// A story.
        Story = "STORY",
        /// An ad.
        Ad = "AD",
        /// A live broadcast.
        Live = "LIVE",
        /// A long video, of the years of IGTV.
        Igtv = "IGTV",
    }
}

/// A comment. Editing, hiding or deleting one sends nothing.
#[derive(Clone, Debug)]
pub struct Comment<'a> {
    /// The comment: `id` on the wire, `comment_id` in the documents of Facebook Login.
    pub id: Option<Cow<'a, str>>,
    /// Absent for a GIF or sticker.
    pub text: Option<Cow<'a, str>>,
    /// The IGSID of who commented; the account's own id where it comments itself.
    pub from_id: Option<Cow<'a, str>>,
    /// Their user name.
    pub from_username: Option<Cow<'a, str>>,
    /// The account's own IGSID.
    pub self_ig_scoped_id: Option<Cow<'a, str>>,
    /// The media; the child of an album comes without its album.
    pub media_id: Option<Cow<'a, str>>,
    /// Where it is shown.
    pub media_product_type: Option<MediaProductType<'a>>,
    /// The ad through which the comment came.
    pub ad_id: Option<Cow<'a, str>>,
    /// Its title.
    pub ad_title: Option<Cow<'a, str>>,
    /// The post that was boosted.
    pub original_media_id: Option<Cow<'a, str>>,
    /// The comment it answers.
    pub parent_id: Option<Cow<'a, str>>,
    /// Seen in deliveries made by others, undocumented for Instagram.
    pub verb: Option<Cow<'a, str>>,
    /// What is not modelled, of the comment, its author and its media.
    pub extra: Extra<'a>,
}

const KEYS: &[&str] = &[
    "id",
    "comment_id",
    "text",
    "from",
    "media",
    "media_id",
    "parent_id",
    "username",
    "verb",
];
const FROM_KEYS: &[&str] = &["id", "username", "self_ig_scoped_id"];
const MEDIA_KEYS: &[&str] = &[
    "id",
    "media_product_type",
    "ad_id",
    "ad_title",
    "original_media_id",
];

impl<'a> Comment<'a> {
    /// Reads the value of a change. Some senders write the media's id and the author's name beside
    /// the text.
    pub(crate) fn read(value: &Object<'_, 'a>) -> Self {
        let from = value.object("from").unwrap_or_default();
        let media = value.object("media").unwrap_or_default();
        let mut extra = value.extra(KEYS);
        extra.extend(from.extra(FROM_KEYS));
        extra.extend(media.extra(MEDIA_KEYS));
        Self {
            id: value.id("id").or_else(|| value.id("comment_id")),
            text: value.text("text"),
            from_id: from.id("id"),
            from_username: from.text("username").or_else(|| value.text("username")),
            self_ig_scoped_id: from.id("self_ig_scoped_id"),
            media_id: media.id("id").or_else(|| value.id("media_id")),
            media_product_type: media.text("media_product_type").map(Into::into),
            ad_id: media.id("ad_id"),
            ad_title: media.text("ad_title"),
            original_media_id: media.id("original_media_id"),
            parent_id: value.id("parent_id"),
            verb: value.text("verb"),
            extra,
        }
    }

    /// Whether the account commented itself: its own replies come back.
    pub fn is_own(&self, account_id: Option<&str>) -> bool {
        let from = self.from_id.as_deref();
        from.is_some() && (from == account_id || from == self.self_ig_scoped_id.as_deref())
    }
}
