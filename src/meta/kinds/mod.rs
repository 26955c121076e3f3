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

use super::dedupe::NaturalKey;
use crate::vocabulary::Kind;

/// A row of the table of kinds.
struct Row {
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

/// Declares the table of kinds. Each kind names its module, which has `read` and `FIELDS`.
macro_rules! kinds {
    ($($kind:ident: $part:ident $fields:tt, keys $keys:tt, $module:ident;)+) => {
        fn row(kind: Kind) -> &'static Row {
            match kind {
                $(Kind::$kind => &Row {
                    part: Part::$part,
                    fields: &$fields,
                    keys: &$keys,
                    read: $module::read,
                    own_fields: $module::FIELDS,
                },)+
            }
        }
    };
}

kinds! {
    Comment: Changes ["comments"], keys [], comment;
    LiveComment: Changes ["live_comments"], keys [], comment;
    Mention: Changes ["mentions"], keys [], mention;
    StoryInsights: Changes ["story_insights"], keys [], story_insights;
    Message: Messaging ["messages", "message_echoes"], keys ["message"], message;
    MessageDeleted: Messaging ["messages"], keys [], message_deleted;
    Postback: Messaging ["messaging_postbacks"], keys ["postback"], postback;
    MessageEdit: Messaging ["message_edit", "message_edits"],
        keys ["message_edit"], message_edit;
    Reaction: Messaging ["message_reactions"], keys ["reaction"], reaction;
    Seen: Messaging ["messaging_seen", "message_reads"], keys ["read"], seen;
    Referral: Messaging ["messaging_referral", "messaging_referrals"], keys ["referral"], referral;
    Optin: Messaging ["messaging_optins"], keys ["optin"], optin;
    Handover: Messaging ["messaging_handover", "messaging_handovers"],
        keys ["pass_thread_control", "take_thread_control", "request_thread_control",
              "pass_thread_metadata", "app_roles"], handover;
    PolicyEnforcement: Messaging ["messaging_policy_enforcement"],
        keys ["policy-enforcement", "policy_enforcement"], policy_enforcement;
    ResponseFeedback: Messaging ["response_feedback"],
        keys ["response_feedback", "feedback"], response_feedback;
    Unknown: Messaging [], keys [], unknown;
}

impl Kind {
    /// The kind with this text form.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
    }

    /// Own fields, in the order of the view.
    pub fn own_fields(self) -> impl Iterator<Item = &'static Field> {
        row(self).own_fields.iter().copied().flatten()
    }

    /// The subscription field in Meta's spelling for Instagram. Public for tests.
    pub fn field(self) -> Option<&'static str> {
        row(self).fields.first().copied()
    }

    /// True if its items are messaging items.
    pub(super) fn is_messaging(self) -> bool {
        row(self).part == Part::Messaging
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
        let kinds = Self::ALL.iter().copied();
        kinds.flat_map(|kind| row(kind).keys.iter().map(move |key| (*key, kind)))
    }

    /// Reads the columns and own fields of an item, and adds its natural key to `key`.
    pub(super) fn read<'a>(self, item: &Item<'_, 'a>, key: &mut NaturalKey<'_>) -> Content<'a> {
        (row(self).read)(item, key)
    }

    fn find(is_it: impl Fn(&Row) -> bool) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| is_it(row(*kind)))
    }
}

#[cfg(test)]
mod tests;
