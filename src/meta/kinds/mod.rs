//! Kinds: one file for each, with the columns that its items fill, its own fields and its natural
//! key; and one table of all.
//!
//! Reading is total: a property that is missing or of another type is none, and a value nobody
//! knew is kept as it came. The properties are those of the Instagram Platform and Messenger
//! Platform webhook references; if recorded deliveries differ from the documents, the file of the
//! kind says so.

mod comment;
mod content;
mod handover;
mod mention;
mod message;
mod message_edit;
mod optin;
mod policy_enforcement;
mod postback;
mod reaction;
mod referral;
mod response_feedback;
mod seen;
mod story_insights;

pub(in crate::meta) use content::{Content, Item};

use super::dedupe::NaturalKey;

/// A row of the table of kinds.
struct Row {
    name: &'static str,
    /// The part of an entry that holds its items.
    part: Part,
    /// Its subscription fields: first in the spelling of Instagram Login, then in that of Facebook
    /// Login.
    fields: &'static [&'static str],
    /// The keys of a messaging item that decide for it.
    keys: &'static [&'static str],
    read: Read,
}

/// Reads the columns, the own fields and the natural key of an item.
type Read = for<'a> fn(&Item<'_, 'a>, &mut NaturalKey<'_>) -> Content<'a>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// `changes`, whatever keys the value has.
    Changes,
    /// `messaging` and `standby`; the Test button sends their fields as changes.
    Messaging,
}

/// Declares [`Kind`] and its table, in the order in which the keys of messaging items decide.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal: $part:ident $fields:tt, keys $keys:tt, $read:path;)+) => {
        /// A kind of event.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Kind {
            $($(#[$doc])* $kind,)+
        }

        impl Kind {
            /// Every kind, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)+];
        }

        const TABLE: &[Row] = &[$(Row {
            name: $name,
            part: Part::$part,
            fields: &$fields,
            keys: &$keys,
            read: $read,
        },)+];
    };
}

kinds! {
    /// A comment on a media of the account.
    Comment = "comment": Changes ["comments"], keys [], comment::read;
    /// A comment on a live broadcast of the account.
    LiveComment = "live_comment": Changes ["live_comments"], keys [], comment::read;
    /// A mention of the account in a comment or caption.
    Mention = "mention": Changes ["mentions"], keys [], mention::read;
    /// The numbers of a story that expired.
    StoryInsights = "story_insights": Changes ["story_insights"], keys [], story_insights::read;
    /// A message to the account, or one that it sent itself (an echo).
    Message = "message": Messaging ["messages", "message_echoes"], keys ["message"], message::read;
    /// A message that was unsent: its content must go.
    MessageDeleted = "message_deleted": Messaging ["messages"], keys [], message::read_deleted;
    /// A tap on a button, an icebreaker or a menu item.
    Postback = "postback": Messaging ["messaging_postbacks"], keys ["postback"], postback::read;
    /// Another text for a message.
    MessageEdit = "message_edit": Messaging ["message_edit", "message_edits"],
        keys ["message_edit"], message_edit::read;
    /// A reaction to a message, or its end.
    Reaction = "reaction": Messaging ["message_reactions"], keys ["reaction"], reaction::read;
    /// A conversation that was seen.
    Seen = "seen": Messaging ["messaging_seen", "message_reads"], keys ["read"], seen::read;
    /// A person who came in through a link, an ad or a story.
    Referral = "referral": Messaging ["messaging_referral", "messaging_referrals"],
        keys ["referral"], referral::read;
    /// An opt-in to notification messages, or its end.
    Optin = "optin": Messaging ["messaging_optins"], keys ["optin"], optin::read;
    /// A move of the control of a conversation between apps.
    Handover = "handover": Messaging ["messaging_handover", "messaging_handovers"],
        keys ["pass_thread_control", "take_thread_control", "request_thread_control",
              "pass_thread_metadata", "app_roles"], handover::read;
    /// A warning to the account, its block or the end of it.
    PolicyEnforcement = "policy_enforcement": Messaging ["messaging_policy_enforcement"],
        keys ["policy-enforcement", "policy_enforcement"], policy_enforcement::read;
    /// A rating of an answer.
    ResponseFeedback = "response_feedback": Messaging ["response_feedback"],
        keys ["response_feedback", "feedback"], response_feedback::read;
    /// Something without a type here; its payload is kept whole.
    Unknown = "unknown": Messaging [], keys [], content::nothing;
}

impl Kind {
    /// The spelling in the database, in filters and in labels.
    pub fn as_str(self) -> &'static str {
        self.row().name
    }

    /// The subscription field in Meta's spelling for Instagram.
    pub fn field(self) -> Option<&'static str> {
        self.row().fields.first().copied()
    }

    /// True if its items are messaging items.
    pub(super) fn is_messaging(self) -> bool {
        self.row().part == Part::Messaging
    }

    /// The kind of a subscription field in the spelling of either login.
    pub(super) fn of_field(field: &str) -> Option<Self> {
        // The field of a container, whose items are of any kind.
        if field == "standby" {
            return Some(Self::Unknown);
        }
        Self::find(|row| row.fields.contains(&field))
    }

    /// Every key of a messaging item that decides for a kind, in the order in which they decide.
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
