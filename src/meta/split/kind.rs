//! Which kind an item is: by its keys, by its field, by neither.

use std::borrow::Cow;

use crate::meta::{
    event::{Channel, Kind},
    fields::HandoverStep,
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
}

/// A subscription field.
pub(super) enum Field<'a> {
    /// That of a kind, in Meta's spelling for Instagram.
    Known(&'static str),
    /// One that has no kind here, as it came.
    Other(Cow<'a, str>),
}

/// The keys of messaging items, in the order in which they decide.
const KEYS: [(&str, Kind); 15] = [
    ("message", Kind::Message),
    ("postback", Kind::Postback),
    ("message_edit", Kind::MessageEdit),
    ("reaction", Kind::Reaction),
    ("read", Kind::Seen),
    ("referral", Kind::Referral),
    ("optin", Kind::Optin),
    (HandoverStep::ALL[0].1, Kind::Handover),
    (HandoverStep::ALL[1].1, Kind::Handover),
    (HandoverStep::ALL[2].1, Kind::Handover),
    (HandoverStep::ALL[3].1, Kind::Handover),
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

impl<'t, 'a> Typed<'t, 'a> {
    /// Decides what `item`, of an entry about Instagram or not, is.
    pub(super) fn read(item: Value<'t, 'a>, channel: Channel, instagram: bool) -> Self {
        let Some(object) = item.object() else {
            return Self::unknown(changed_field(item, channel), Object::default());
        };
        match channel {
            Channel::Messaging | Channel::Standby => Self::messaging(object),
            Channel::Changes | Channel::Entry => Self::change(&object, instagram),
        }
    }

    /// Reads the payload of an event whose kind was decided when it came.
    pub(super) fn of(kind: Kind, channel: Channel, payload: Value<'t, 'a>) -> Self {
        let item = payload.object().unwrap_or_default();
        let value = match channel {
            Channel::Messaging | Channel::Standby => item,
            Channel::Changes | Channel::Entry => item.object("value").unwrap_or_default(),
        };
        let key = by_key(&value).filter(|_| !PLAIN.contains(&kind));
        Self {
            kind,
            field: spelled(kind, None),
            key: key.map(|(key, _)| key),
            value,
        }
    }

    fn messaging(item: Object<'t, 'a>) -> Self {
        let Some((key, kind)) = by_key(&item) else {
            return Self::unknown(None, item);
        };
        Self {
            kind,
            field: spelled(kind, None),
            key: Some(key),
            value: item,
        }
    }

    fn change(change: &Object<'t, 'a>, instagram: bool) -> Self {
        let field = change.text("field").filter(|field| !field.is_empty());
        let value = change.object("value").unwrap_or_default();
        let known = field.as_deref().filter(|_| instagram).and_then(by_field);
        let Some((by_field, is_messaging)) = known else {
            return Self::unknown(field, value);
        };
        match by_key(&value).filter(|_| is_messaging) {
            Some((key, kind)) => Self {
                kind,
                field: spelled(kind, field),
                key: Some(key),
                value,
            },
            None => Self {
                kind: unless_unsent(by_field, &value),
                field: spelled(by_field, field),
                key: None,
                value,
            },
        }
    }

    fn unknown(field: Option<Cow<'a, str>>, value: Object<'t, 'a>) -> Self {
        Self {
            kind: Kind::Unknown,
            field: field.map(Field::Other),
            key: None,
            value,
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

fn spelled(kind: Kind, field: Option<Cow<'_, str>>) -> Option<Field<'_>> {
    let known = field_of(kind).map(Field::Known);
    known.or(field.map(Field::Other))
}

/// `changed_fields` holds names only: subscriptions made with `include_values=false`.
fn changed_field<'a>(item: Value<'_, 'a>, channel: Channel) -> Option<Cow<'a, str>> {
    let name = (channel == Channel::Entry).then(|| item.string())??;
    (!name.is_empty()).then_some(name)
}
