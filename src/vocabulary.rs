//! Vocabulary of events: kinds, channels and sources, by the names that the database, filters,
//! labels and the configuration share.
//!
//! `meta` reads events into these terms, and `config` selects events by them.

/// Implements `JsonSchema` for an enumeration with `ALL` and `as_str`.
macro_rules! named {
    ($name:ident) => {
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let names: Vec<_> = Self::ALL.iter().map(|it| it.as_str()).collect();
                schemars::json_schema!({"type": "string", "enum": names})
            }
        }
    };
}
pub(crate) use named;

/// Enumeration whose values have names.
pub trait Spelled: Copy + 'static {
    /// Every value.
    fn all() -> &'static [Self];

    /// Name of the value.
    fn name(self) -> &'static str;
}

/// Declares an enumeration whose variants have a stored text form.
macro_rules! spelled {
    ($(#[$doc:meta])* $vis:vis enum $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        $vis enum $name {
            $($(#[$variant_doc])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// Every value, in the order of the documentation.
            $vis const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Text form in the database, in filters and in labels.
            $vis fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl crate::vocabulary::Spelled for $name {
            fn all() -> &'static [Self] {
                Self::ALL
            }

            fn name(self) -> &'static str {
                self.as_str()
            }
        }

        crate::vocabulary::named!($name);
    };
}
pub(crate) use spelled;

spelled! {
    /// A kind of event. The order is the precedence of the keys of messaging items.
    pub enum Kind {
        /// A comment on a media of the account.
        Comment = "comment",
        /// A comment on a live broadcast of the account.
        LiveComment = "live_comment",
        /// A mention of the account in a comment or caption.
        Mention = "mention",
        /// The numbers of an expired story.
        StoryInsights = "story_insights",
        /// A message to the account, or an echo: a message that the account itself sent.
        Message = "message",
        /// An unsent message: its content must be removed.
        MessageDeleted = "message_deleted",
        /// A tap on a button, an icebreaker or a menu item.
        Postback = "postback",
        /// A new text for a message.
        MessageEdit = "message_edit",
        /// A reaction to a message, or its removal.
        Reaction = "reaction",
        /// A read receipt for a conversation.
        Seen = "seen",
        /// A person who arrived through a link, an ad or a story.
        Referral = "referral",
        /// An opt-in to notification messages, or its end.
        Optin = "optin",
        /// A move of the control of a conversation between apps.
        Handover = "handover",
        /// A warning to the account, its block or its unblock.
        PolicyEnforcement = "policy_enforcement",
        /// A rating of an answer.
        ResponseFeedback = "response_feedback",
        /// An item without a kind here; its payload is kept unchanged.
        Unknown = "unknown",
    }
}

spelled! {
    /// Part of an entry that contained the item.
    pub enum Channel {
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
    /// Origin of a delivery.
    pub enum Source {
        /// Meta, for a real occurrence.
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
