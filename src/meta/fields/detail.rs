//! The typed content of an item, whichever kind it is.

use super::{
    Comment, Handover, Mention, Message, MessageEdit, Optin, PolicyEnforcement, Postback, Reaction,
    Referral, ResponseFeedback, Seen, StoryInsights,
};
use crate::meta::{event::Kind, json::Object};

/// What an item carries.
#[derive(Clone, Debug)]
pub enum Detail<'a> {
    /// A comment.
    Comment(Comment<'a>),
    /// A comment on a live broadcast.
    LiveComment(Comment<'a>),
    /// A mention.
    Mention(Mention<'a>),
    /// A story's numbers.
    StoryInsights(StoryInsights<'a>),
    /// A message or an echo.
    Message(Message<'a>),
    /// A message that was unsent.
    MessageDeleted(Message<'a>),
    /// An edit.
    MessageEdit(MessageEdit<'a>),
    /// A reaction.
    Reaction(Reaction<'a>),
    /// A tap.
    Postback(Postback<'a>),
    /// Seen.
    Seen(Seen<'a>),
    /// A referral.
    Referral(Referral<'a>),
    /// An opt-in.
    Optin(Optin<'a>),
    /// A handover.
    Handover(Handover<'a>),
    /// A policy enforcement.
    PolicyEnforcement(PolicyEnforcement<'a>),
    /// A rating.
    ResponseFeedback(ResponseFeedback<'a>),
    /// No type here; the item's text is kept.
    Unknown,
}

impl<'a> Detail<'a> {
    /// Reads `value`, a messaging item or the value of a change, as `kind`; `key` is the key under
    /// which its content stands.
    ///
    /// If the content is not an object under that key, `value` itself is read: the dashboard's
    /// samples leave the inner object out.
    pub(crate) fn read(kind: Kind, key: Option<&str>, value: &Object<'_, 'a>) -> Self {
        let inner = key.and_then(|key| value.object(key));
        let inner = inner.as_ref().unwrap_or(value);
        match kind {
            Kind::Comment => Self::Comment(Comment::read(value)),
            Kind::LiveComment => Self::LiveComment(Comment::read(value)),
            Kind::Mention => Self::Mention(Mention::read(value)),
            Kind::StoryInsights => Self::StoryInsights(StoryInsights::read(value)),
            Kind::Message => Self::Message(Message::read(inner, value)),
            Kind::MessageDeleted => Self::MessageDeleted(Message::read(inner, value)),
            Kind::MessageEdit => Self::MessageEdit(MessageEdit::read(inner)),
            Kind::Reaction => Self::Reaction(Reaction::read(inner)),
            Kind::Postback => Self::Postback(Postback::read(inner, value)),
            Kind::Seen => Self::Seen(Seen::read(inner)),
            Kind::Referral => Self::Referral(Referral::read(inner)),
            Kind::Optin => Self::Optin(Optin::read(inner)),
            Kind::Handover => Self::Handover(Handover::read(key, inner, value)),
            Kind::PolicyEnforcement => Self::PolicyEnforcement(PolicyEnforcement::read(inner)),
            Kind::ResponseFeedback => Self::ResponseFeedback(ResponseFeedback::read(inner)),
            Kind::Unknown => Self::Unknown,
        }
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Comment(_) => Kind::Comment,
            Self::LiveComment(_) => Kind::LiveComment,
            Self::Mention(_) => Kind::Mention,
            Self::StoryInsights(_) => Kind::StoryInsights,
            Self::Message(_) => Kind::Message,
            Self::MessageDeleted(_) => Kind::MessageDeleted,
            Self::MessageEdit(_) => Kind::MessageEdit,
            Self::Reaction(_) => Kind::Reaction,
            Self::Postback(_) => Kind::Postback,
            Self::Seen(_) => Kind::Seen,
            Self::Referral(_) => Kind::Referral,
            Self::Optin(_) => Kind::Optin,
            Self::Handover(_) => Kind::Handover,
            Self::PolicyEnforcement(_) => Kind::PolicyEnforcement,
            Self::ResponseFeedback(_) => Kind::ResponseFeedback,
            Self::Unknown => Kind::Unknown,
        }
    }
}
