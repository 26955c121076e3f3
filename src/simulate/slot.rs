//! The placeholders of samples: `{{mid}}`, `{{igsid2}}`, `{{text|The text of the sample}}`.

use serde::{
    Deserialize,
    de::{IntoDeserializer, value},
};

/// The meaning of a placeholder, spelled in snake case.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Name {
    /// The account that the body is about: its id, user name and own IGSID.
    Account,
    #[serde(rename = "account_name")]
    AccountUsername,
    AccountIgsid,
    /// An account that no other run knows, for items that say nothing else.
    NewAccount,
    /// The person: IGSID and user name.
    Igsid,
    Username,
    /// The message of this item, and an earlier one of the same conversation.
    Mid,
    EarlierMid,
    /// The comment, and an earlier one below the same media.
    CommentId,
    ParentId,
    /// The media, and where it is shown, such as `FEED`.
    MediaId,
    Product,
    /// The ad, the media that it shows, and its title.
    AdId,
    AdMediaId,
    AdTitle,
    Text,
    /// When it happened, in milliseconds and in seconds; the second is a little later.
    Now,
    NowSeconds,
    /// When Meta sends the body.
    Sent,
    SentSeconds,
    /// Half a year after it happened, in milliseconds.
    Expiry,
    /// A number of an account's story; each further one is smaller.
    Count,
    /// Fourteen digits that come once.
    Id,
    /// 64 hex digits that come once.
    Hex,
}

/// A placeholder: the second account of a body is `{{account2}}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) name: Name,
    /// From 0.
    pub(super) index: u8,
}

impl Slot {
    /// Reads what stands between the braces and before a `|`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let spelled = text.trim_end_matches(|c: char| c.is_ascii_digit());
        let number = match &text[spelled.len()..] {
            "" => 1,
            digits => digits.parse::<u8>().ok()?,
        };
        let spelled: value::StrDeserializer<'_, value::Error> = spelled.into_deserializer();
        Some(Self {
            name: Name::deserialize(spelled).ok()?,
            index: number.checked_sub(1)?,
        })
    }
}

impl From<Name> for Slot {
    /// The first placeholder of this name.
    fn from(name: Name) -> Self {
        Self { name, index: 0 }
    }
}
