//! Kinds: a file for each kind with its columns, its own fields and its natural key, and a table of
//! all kinds. `FIELDS` of a kind declares the columns of its view and the keys of `data` in the JSON of
//! an event.
//!
//! Reading is total: a property that is missing or of another type is none, and an unknown value is
//! kept unchanged. The properties are those of the webhook references of the Instagram Platform and
//! the Messenger Platform. If recorded deliveries differ from the references, the file of the kind
//! says so.

mod comment;
mod content;
mod field;
mod handover;
mod mention;
mod message;
mod message_deleted;
mod message_edit;
mod optin;
mod policy_enforcement;
mod postback;
mod reaction;
mod referral;
mod response_feedback;
mod seen;
mod story_insights;
mod unknown;

pub(in crate::meta) use content::{Content, Item};
pub use field::{Field, Form};

use super::{dedupe::NaturalKey, named::named};

/// A row of the table of kinds.
struct Row {
    name: &'static str,
    /// Part of an entry that contains its items.
    part: Part,
    /// Subscription fields: first in the spelling of Instagram Login, then in that of Facebook
    /// Login.
    fields: &'static [&'static str],
    /// Keys of a messaging item that determine this kind.
    keys: &'static [&'static str],
    read: Read,
    own_fields: field::Fields,
}

/// Reads the columns, the own fields and the natural key of an item.
type Read = for<'a> fn(&Item<'_, 'a>, &mut NaturalKey<'_>) -> Content<'a>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// `changes`, regardless of the keys in the value.
    Changes,
    /// `messaging` and `standby`; the Test button sends these fields as changes.
    Messaging,
}

/// Declares [`Kind`] and its table, in the precedence of the keys of messaging items. Each kind names
/// its module, which has `read` and `FIELDS`.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal: $part:ident $fields:tt, keys $keys:tt, $module:ident;)+) => {
        /// A kind of event.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Kind {
            $($(#[$doc])* $kind,)+
        }

        impl Kind {
            /// Every kind, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)+];
        }

        named!(Kind);

        const TABLE: &[Row] = &[$(Row {
            name: $name,
            part: Part::$part,
            fields: &$fields,
            keys: &$keys,
            read: $module::read,
            own_fields: $module::FIELDS,
        },)+];
    };
}

kinds! {
    /// A comment on a media of the account.
    Comment = "comment": Changes ["comments"], keys [], comment;
    /// A comment on a live broadcast of the account.
    LiveComment = "live_comment": Changes ["live_comments"], keys [], comment;
    /// A mention of the account in a comment or caption.
    Mention = "mention": Changes ["mentions"], keys [], mention;
    /// The numbers of an expired story.
    StoryInsights = "story_insights": Changes ["story_insights"], keys [], story_insights;
    /// A message to the account, or an echo: a message that the account itself sent.
    Message = "message": Messaging ["messages", "message_echoes"], keys ["message"], message;
    /// An unsent message: its content must be removed.
    MessageDeleted = "message_deleted": Messaging ["messages"], keys [], message_deleted;
    /// A tap on a button, an icebreaker or a menu item.
    Postback = "postback": Messaging ["messaging_postbacks"], keys ["postback"], postback;
    /// A new text for a message.
    MessageEdit = "message_edit": Messaging ["message_edit", "message_edits"],
        keys ["message_edit"], message_edit;
    /// A reaction to a message, or its removal.
    Reaction = "reaction": Messaging ["message_reactions"], keys ["reaction"], reaction;
    /// A read receipt for a conversation.
    Seen = "seen": Messaging ["messaging_seen", "message_reads"], keys ["read"], seen;
    /// A person who arrived through a link, an ad or a story.
    Referral = "referral": Messaging ["messaging_referral", "messaging_referrals"],
        keys ["referral"], referral;
    /// An opt-in to notification messages, or its end.
    Optin = "optin": Messaging ["messaging_optins"], keys ["optin"], optin;
    /// A move of the control of a conversation between apps.
    Handover = "handover": Messaging ["messaging_handover", "messaging_handovers"],
        keys ["pass_thread_control", "take_thread_control", "request_thread_control",
              "pass_thread_metadata", "app_roles"], handover;
    /// A warning to the account, its block or its unblock.
    PolicyEnforcement = "policy_enforcement": Messaging ["messaging_policy_enforcement"],
        keys ["policy-enforcement", "policy_enforcement"], policy_enforcement;
    /// A rating of an answer.
    ResponseFeedback = "response_feedback": Messaging ["response_feedback"],
        keys ["response_feedback", "feedback"], response_feedback;
    /// An item without a kind here; its payload is kept unchanged.
    Unknown = "unknown": Messaging [], keys [], unknown;
}

impl Kind {
    /// Text form in the database, in filters and in labels.
    pub fn as_str(self) -> &'static str {
        self.row().name
    }

    /// The kind with this text form.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::find(|row| row.name == name)
    }

    /// Own fields, in the order of the view.
    pub fn own_fields(self) -> impl Iterator<Item = &'static Field> {
        self.row().own_fields.iter().copied().flatten()
    }

    /// The subscription field in Meta's spelling for Instagram. Public for tests.
    pub fn field(self) -> Option<&'static str> {
        self.row().fields.first().copied()
    }

    /// True if its items are messaging items.
    pub(super) fn is_messaging(self) -> bool {
        self.row().part == Part::Messaging
    }

    /// The kind of a subscription field in the spelling of either login.
    pub(super) fn of_field(field: &str) -> Option<Self> {
        // A container rather than a field: its items are of any kind.
        if field == "standby" {
            return Some(Self::Unknown);
        }
        Self::find(|row| row.fields.contains(&field))
    }

    /// All keys of a messaging item that determine a kind, in order of precedence. Public for tests.
    pub fn keys() -> impl Iterator<Item = (&'static str, Self)> {
        let rows = Self::ALL.iter().zip(TABLE);
        rows.flat_map(|(kind, row)| row.keys.iter().map(|key| (*key, *kind)))
    }

    /// Reads the columns and own fields of an item, and adds its natural key to `key`.
    pub(super) fn read<'a>(self, item: &Item<'_, 'a>, key: &mut NaturalKey<'_>) -> Content<'a> {
        (self.row().read)(item, key)
    }

    fn find(is_it: impl Fn(&Row) -> bool) -> Option<Self> {
        let mut rows = Self::ALL.iter().zip(TABLE);
        rows.find(|(_, row)| is_it(row)).map(|(kind, _)| *kind)
    }

    fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }
}

#[cfg(test)]
mod tests;
