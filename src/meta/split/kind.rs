//! Which kind an item is: by its keys, by its field, by neither.

use std::borrow::Cow;

use super::{
    MAX_SPELLED,
    entry::{Change, Form},
};
use crate::meta::{
    event::{Channel, Kind},
    fields::{Detail, HandoverStep},
    json::{Object, Value},
};

/// An item whose kind is decided.
pub(super) struct Typed<'t, 'a> {
    /// Its kind.
    pub kind: Kind,
    /// Its subscription field.
    pub field: Option<Field<'a>>,
    /// The key under which its content stands.
    pub key: Option<&'static str>,
    /// The object that holds that key: the item, or the value of a change.
    pub value: Object<'t, 'a>,
    /// `verb` beside the value of a change.
    verb: Option<Value<'t, 'a>>,
}

/// A subscription field.
pub(super) enum Field<'a> {
    /// That of a kind, in Meta's spelling for Instagram.
    Known(&'static str),
    /// One that has no kind here, as it came.
    Other(Cow<'a, str>),
    /// A field that is longer than a column holds.
    TooLong,
}

/// The `changes` of a notification that have kinds, by its `object`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Typing {
    /// Changes of Instagram: `object` says so, or is missing.
    instagram: bool,
    /// Changes of messaging, which Pages have, too.
    messaging: bool,
}

/// The keys of messaging items, in the order in which they decide.
pub(super) const KEYS: [(&str, Kind); 16] = [
    ("message", Kind::Message),
    ("postback", Kind::Postback),
    ("message_edit", Kind::MessageEdit),
    ("reaction", Kind::Reaction),
    ("read", Kind::Seen),
    ("referral", Kind::Referral),
    ("optin", Kind::Optin),
    (HandoverStep::ALL[0].as_str(), Kind::Handover),
    (HandoverStep::ALL[1].as_str(), Kind::Handover),
    (HandoverStep::ALL[2].as_str(), Kind::Handover),
    (HandoverStep::ALL[3].as_str(), Kind::Handover),
    (HandoverStep::ALL[4].as_str(), Kind::Handover),
    ("policy-enforcement", Kind::PolicyEnforcement),
    ("policy_enforcement", Kind::PolicyEnforcement),
    ("response_feedback", Kind::ResponseFeedback),
    ("feedback", Kind::ResponseFeedback),
];

/// The kinds that are changes, whatever keys their value has.
const PLAIN: [Kind; 4] = [
    Kind::Comment,
    Kind::LiveComment,
    Kind::Mention,
    Kind::StoryInsights,
];

impl Typing {
    /// No change has a kind.
    pub(super) const NONE: Self = Self {
        instagram: false,
        messaging: false,
    };

    /// The typing of a notification about `object`.
    pub(super) fn of(object: Option<&str>) -> Self {
        let instagram = object.is_none_or(|object| object == "instagram");
        Self {
            instagram,
            messaging: instagram || object == Some("page"),
        }
    }

    /// The kind of `field`, and if it is one of messaging; none if it has no kind here.
    fn by_field(self, field: &str) -> Option<(Kind, bool)> {
        let (kind, is_messaging) = by_field(field)?;
        let has_kinds = if is_messaging {
            self.messaging
        } else {
            self.instagram
        };
        has_kinds.then_some((kind, is_messaging))
    }
}

impl<'t, 'a> Typed<'t, 'a> {
    /// Decides the kind of an item.
    pub(super) fn read(form: Form<'t, 'a>, channel: Channel, typing: Typing) -> Self {
        match form {
            Form::Message(value) => Self::messaging(value.object().unwrap_or_default()),
            Form::Change(change) => Self::change(change, typing),
            Form::Other(value) => Self {
                field: changed_field(value, channel),
                ..Self::messaging(Object::default())
            },
        }
    }

    /// Reads the payload of an event whose kind was decided when it came.
    pub(super) fn of(kind: Kind, channel: Channel, payload: Value<'t, 'a>) -> Self {
        let item = payload.object().unwrap_or_default();
        let value = match channel {
            Channel::Messaging | Channel::Standby => item.clone(),
            Channel::Changes | Channel::Entry => item.object("value").unwrap_or_default(),
        };
        let key = by_key(&value).filter(|_| !PLAIN.contains(&kind));
        Self {
            kind,
            field: spelled(kind, None),
            key: key.map(|(key, _)| key),
            value,
            verb: item.get("verb"),
        }
    }

    /// Its typed content.
    pub(super) fn detail(&self) -> Detail<'a> {
        let mut detail = Detail::read(self.kind, self.key, &self.value);
        if let Detail::Comment(comment) | Detail::LiveComment(comment) = &mut detail {
            let beside = self.verb.and_then(Value::string);
            comment.verb = comment.verb.take().or(beside);
        }
        detail
    }

    fn messaging(item: Object<'t, 'a>) -> Self {
        let by_key = by_key(&item);
        let kind = by_key.map_or(Kind::Unknown, |(_, kind)| kind);
        Self {
            kind,
            field: spelled(kind, None),
            key: by_key.map(|(key, _)| key),
            value: item,
            verb: None,
        }
    }

    fn change(change: Change<'t, 'a>, typing: Typing) -> Self {
        let value = change.value.and_then(Value::object).unwrap_or_default();
        let field = change.field.and_then(name);
        let known = match &field {
            Some(Field::Other(name)) => typing.by_field(name),
            Some(_) => None,
            // Its value may still have the key of a messaging item.
            None => typing.messaging.then_some((Kind::Unknown, true)),
        };
        let (by_field, is_messaging) = known.unwrap_or((Kind::Unknown, false));
        let by_key = by_key(&value).filter(|_| is_messaging);
        let kind = by_key.map_or_else(|| unless_unsent(by_field, &value), |(_, kind)| kind);
        Self {
            kind,
            field: spelled(kind, field),
            key: by_key.map(|(key, _)| key),
            value,
            verb: change.verb,
        }
    }
}

/// Between keys the first of [`KEYS`] decides; inside `message` an unsend does.
fn by_key(item: &Object<'_, '_>) -> Option<(&'static str, Kind)> {
    let (key, kind) = *KEYS.iter().find(|(key, _)| item.get(key).is_some())?;
    let inner = (kind == Kind::Message).then(|| item.object(key)).flatten();
    Some((key, unless_unsent(kind, &inner.unwrap_or_default())))
}

/// A message that says it was unsent is the end of one.
fn unless_unsent(kind: Kind, message: &Object<'_, '_>) -> Kind {
    if kind == Kind::Message && message.flag("is_deleted") {
        Kind::MessageDeleted
    } else {
        kind
    }
}

/// The kind of a field in the spelling of either login, and whether it is one of messaging. The
/// Test button sends messaging fields as changes.
fn by_field(field: &str) -> Option<(Kind, bool)> {
    let kind = match field {
        "comments" => Kind::Comment,
        "live_comments" => Kind::LiveComment,
        "mentions" => Kind::Mention,
        "story_insights" => Kind::StoryInsights,
        "messages" | "message_echoes" => Kind::Message,
        "message_edit" | "message_edits" => Kind::MessageEdit,
        "message_reactions" => Kind::Reaction,
        "messaging_postbacks" => Kind::Postback,
        "messaging_seen" | "message_reads" => Kind::Seen,
        "messaging_referral" | "messaging_referrals" => Kind::Referral,
        "messaging_optins" => Kind::Optin,
        "messaging_handover" | "messaging_handovers" => Kind::Handover,
        "messaging_policy_enforcement" => Kind::PolicyEnforcement,
        "response_feedback" => Kind::ResponseFeedback,
        "standby" => Kind::Unknown,
        _ => return None,
    };
    Some((kind, !PLAIN.contains(&kind)))
}

/// The subscription field of a kind in Meta's spelling for Instagram.
fn field_of(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Comment => "comments",
        Kind::LiveComment => "live_comments",
        Kind::Mention => "mentions",
        Kind::StoryInsights => "story_insights",
        Kind::Message | Kind::MessageDeleted => "messages",
        Kind::MessageEdit => "message_edit",
        Kind::Reaction => "message_reactions",
        Kind::Postback => "messaging_postbacks",
        Kind::Seen => "messaging_seen",
        Kind::Referral => "messaging_referral",
        Kind::Optin => "messaging_optins",
        Kind::Handover => "messaging_handover",
        Kind::PolicyEnforcement => "messaging_policy_enforcement",
        Kind::ResponseFeedback => "response_feedback",
        Kind::Unknown => return None,
    })
}

fn spelled(kind: Kind, field: Option<Field<'_>>) -> Option<Field<'_>> {
    field_of(kind).map(Field::Known).or(field)
}

/// The name of a field as the body spells it.
pub(super) fn name<'a>(field: Value<'_, 'a>) -> Option<Field<'a>> {
    if field.raw().len() > MAX_SPELLED {
        return Some(Field::TooLong);
    }
    let name = field.string().filter(|name| !name.is_empty())?;
    Some(Field::Other(name))
}

/// `changed_fields` holds names only: subscriptions made with `include_values=false`.
fn changed_field<'a>(item: Value<'_, 'a>, channel: Channel) -> Option<Field<'a>> {
    let name = (channel == Channel::Entry).then(|| item.string())??;
    (!name.is_empty()).then_some(Field::Other(name))
}
