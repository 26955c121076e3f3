//! The placeholders of samples: `{{mid}}`, `{{igsid2}}`, `{{text|The text of the sample}}`.

/// Declares the names of placeholders with their spelling.
macro_rules! names {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)+) => {
        /// The meaning of a placeholder.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Name {
            $($(#[$doc])* $name,)+
        }

        const SPELLED: &[(&str, Name)] = &[$(($text, Name::$name),)+];
    };
}

names! {
    /// The account that the body is about: its id, user name and own IGSID.
    Account = "account",
    AccountUsername = "account_name",
    AccountIgsid = "account_igsid",
    /// An account that no other run knows, for items that say nothing else.
    NewAccount = "new_account",
    /// The person: IGSID and user name.
    Igsid = "igsid",
    Username = "username",
    /// The message of this item, and an earlier one of the same conversation.
    Mid = "mid",
    EarlierMid = "earlier_mid",
    /// The comment, and an earlier one below the same media.
    CommentId = "comment_id",
    ParentId = "parent_id",
    /// The media, and where it is shown, such as `FEED`.
    MediaId = "media_id",
    Product = "product",
    /// The ad, the media that it shows, and its title.
    AdId = "ad_id",
    AdMediaId = "ad_media_id",
    AdTitle = "ad_title",
    Text = "text",
    /// When it happened, in milliseconds and in seconds; the second is a little later.
    Now = "now",
    NowSeconds = "now_seconds",
    /// When Meta sends the body.
    Sent = "sent",
    SentSeconds = "sent_seconds",
    /// Half a year after it happened, in milliseconds.
    Expiry = "expiry",
    /// A number of an account's story; each further one is smaller.
    Count = "count",
    /// Fourteen digits that come once.
    Id = "id",
    /// 64 hex digits that come once.
    Hex = "hex",
}

/// A placeholder: the second account of a body is `{{account2}}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) name: Name,
    /// From 0.
    pub(super) index: u8,
}

impl Slot {
    /// The first one of this name.
    pub(super) fn first(name: Name) -> Self {
        Self { name, index: 0 }
    }

    /// Reads what stands between the braces and before a `|`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let spelled = text.trim_end_matches(|c: char| c.is_ascii_digit());
        let number = match &text[spelled.len()..] {
            "" => 1,
            digits => digits.parse::<u8>().ok()?,
        };
        let (_, name) = SPELLED.iter().find(|(spelling, _)| *spelling == spelled)?;
        Some(Self {
            name: *name,
            index: number.checked_sub(1)?,
        })
    }
}
