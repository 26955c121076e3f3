//! The event: one change or messaging item, as our row holds it.

use bytestring::ByteString;
use jiff::Timestamp;
use uuid::Uuid;

use super::ids::Ids;
pub use super::kinds::Kind;

/// Declares a closed enum whose values are stored and filtered by by their spelling.
macro_rules! spelled {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// Every value, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The spelling in the database, in filters and in labels.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }
    };
}

spelled! {
    /// Through which part of an entry the item came.
    Channel {
        /// `entry.changes[]`.
        Changes = "changes",
        /// `entry.messaging[]`.
        Messaging = "messaging",
        /// `entry.standby[]`: another app holds the conversation.
        Standby = "standby",
        /// The entry itself: the flat form, or a name in `changed_fields`.
        Entry = "entry",
    }
}

spelled! {
    /// What a delivery or an event could not be read as.
    Problem {
        /// The body has no bytes, or only white space.
        Empty = "empty",
        /// The body is not UTF-8.
        NotUtf8 = "not_utf8",
        /// The body is not a JSON document.
        NotJson = "not_json",
        /// The body is JSON, but no notification: an `entry` list with objects is missing.
        UnknownShape = "unknown_shape",
        /// More than 5,000 items; Meta documents 1,000 at most. Only the body is kept.
        TooManyItems = "too_many_items",
        /// Nested deeper than 64 levels.
        TooDeep = "too_deep",
        /// Held U+0000 or an unpaired surrogate, which Postgres cannot store; U+FFFD stands there.
        UnsafeText = "unsafe_text",
        /// An id or field name is longer than 512 bytes; its column is null.
        IdTooLong = "id_too_long",
        /// Postgres refused the events; only the delivery is kept.
        Refused = "refused",
    }
}

spelled! {
    /// Where `occurred_at` comes from.
    OccurredAtSource {
        /// The item's own time.
        Item = "item",
        /// The time at which Meta sent the entry.
        Sent = "sent",
        /// There was no believable time.
        None = "none",
    }
}

spelled! {
    /// Who made a delivery.
    Source {
        /// Meta, because something happened.
        Live = "live",
        /// The Test button of the App Dashboard.
        Test = "test",
        /// `hookshelf simulate`.
        Simulated = "simulated",
        /// `hookshelf replay`.
        Replayed = "replayed",
        /// `hookshelf backfill`.
        Backfill = "backfill",
    }
}

/// One change or messaging item, read.
///
/// Ids are opaque text. Everything Meta may leave out is optional. What the body spells out is not
/// copied but a slice of it, which keeps the body in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What happened.
    pub kind: Kind,
    /// Through which part of the entry it came.
    pub channel: Channel,
    /// The subscription field in Meta's spelling for Instagram.
    pub field: Option<ByteString>,
    /// The professional account: `entry.id`.
    pub account_id: Option<ByteString>,
    /// The IGSID of the other party.
    pub person_id: Option<ByteString>,
    /// `sender.id`, or who commented.
    pub sender_id: Option<ByteString>,
    /// `recipient.id`.
    pub recipient_id: Option<ByteString>,
    /// The user name of the other party.
    pub username: Option<ByteString>,
    /// What it is or concerns.
    pub ids: Ids<Option<ByteString>>,
    /// What somebody wrote, or the title of the button they tapped.
    pub text: Option<ByteString>,
    /// A message that the account itself sent.
    pub is_echo: bool,
    /// The account talks to or comments on itself.
    pub is_self: bool,
    /// Sent by the dashboard's Test button: the id of its entry is `0`.
    pub is_test: bool,
    /// When it happened, as far as Meta says.
    pub occurred_at: Option<Timestamp>,
    /// Where `occurred_at` comes from.
    pub occurred_at_source: OccurredAtSource,
    /// The own fields of its kind under Meta's names: the text of a JSON object that Postgres can
    /// hold. None if there are none.
    pub data: Option<ByteString>,
    /// The place of its first byte in the body.
    pub item_start: u32,
    /// The number of its bytes in the body.
    pub item_length: u32,
    /// What could not be read as it came.
    pub problem: Option<Problem>,
    /// The same for every delivery of the same happening.
    pub dedupe_key: Uuid,
}

impl Event {
    /// The item's own bytes in the `body` that it was read from.
    pub fn item<'b>(&self, body: &'b [u8]) -> &'b [u8] {
        let start = self.item_start as usize;
        body.get(start..start.saturating_add(self.item_length as usize))
            .unwrap_or_default()
    }
}
