//! Event: one change or messaging item, as stored in its row.

use bytestring::ByteString;
use jiff::Timestamp;
use uuid::Uuid;

use super::ids::Ids;
use crate::vocabulary::spelled;
pub use crate::vocabulary::{Channel, Kind, Source};

spelled! {
    /// Problem on reading a delivery or an event.
    pub enum Problem {
        /// The body has no bytes, or only white space.
        Empty = "empty",
        /// The body is not UTF-8.
        NotUtf8 = "not_utf8",
        /// The body is not a JSON document.
        NotJson = "not_json",
        /// The body is JSON, but not a notification: an `entry` list with objects is missing.
        UnknownShape = "unknown_shape",
        /// More than 5,000 items; Meta documents 1,000 at most. Only the body is kept.
        TooManyItems = "too_many_items",
        /// Nested deeper than 64 levels.
        TooDeep = "too_deep",
        /// The text contained U+0000 or an unpaired surrogate, which Postgres cannot store and
        /// U+FFFD replaces.
        UnsafeText = "unsafe_text",
        /// An id or field name is longer than 512 bytes; its column is null.
        IdTooLong = "id_too_long",
        /// Postgres refused the events; only the delivery is kept.
        Refused = "refused",
    }
}

spelled! {
    /// Source of `occurred_at`.
    pub enum OccurredAtSource {
        /// The item's own time.
        Item = "item",
        /// The time at which Meta sent the entry.
        Sent = "sent",
        /// There was no plausible time.
        None = "none",
    }
}

/// A parsed change or messaging item.
///
/// Ids are opaque text. Everything that Meta may omit is optional. Text that appears literally in
/// the body is a slice of the body, without a copy; the slice keeps the body in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Kind of the event.
    pub kind: Kind,
    /// Part of the entry that contained the item.
    pub channel: Channel,
    /// The subscription field in Meta's spelling for Instagram.
    pub field: Option<ByteString>,
    /// Id of the professional account: `entry.id`.
    pub account_id: Option<ByteString>,
    /// The IGSID of the other party.
    pub person_id: Option<ByteString>,
    /// `sender.id`, or the author of a comment.
    pub sender_id: Option<ByteString>,
    /// `recipient.id`.
    pub recipient_id: Option<ByteString>,
    /// The user name of the other party.
    pub username: Option<ByteString>,
    /// Ids of the things that the item is or concerns.
    pub ids: Ids<Option<ByteString>>,
    /// Text of a message or comment, or the title of a tapped button.
    pub text: Option<ByteString>,
    /// True for a message that the account itself sent.
    pub is_echo: bool,
    /// True if the account messages or comments on itself.
    pub is_self: bool,
    /// True if sent by the dashboard's Test button: the id of the entry is `0`.
    pub is_test: bool,
    /// Time of the occurrence, as far as Meta says.
    pub occurred_at: Option<Timestamp>,
    /// Source of `occurred_at`.
    pub occurred_at_source: OccurredAtSource,
    /// The own fields of its kind under Meta's names: the text of a JSON object that Postgres can
    /// store. None if there are none.
    pub data: Option<ByteString>,
    /// Offset of the item in the body, in bytes.
    pub item_start: u32,
    /// Length of the item in the body, in bytes.
    pub item_length: u32,
    /// Problem on reading the item.
    pub problem: Option<Problem>,
    /// Identity of the occurrence: equal for every delivery of it.
    pub dedupe_key: Uuid,
}

impl Event {
    /// Bytes of the item in the `body` that it was read from. For tests and fuzzing: the program
    /// reads items in Postgres.
    pub fn item<'b>(&self, body: &'b [u8]) -> &'b [u8] {
        let start = self.item_start as usize;
        body.get(start..start.saturating_add(self.item_length as usize))
            .unwrap_or_default()
    }
}
