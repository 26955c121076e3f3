//! An item becomes a row: the columns that every kind shares, from the typed content.

use std::borrow::Cow;

use bytestring::ByteString;
use jiff::Timestamp;

use super::{
    MAX_ID,
    entry::{Entry, Item},
    kind::{self, Field, Typed, Typing},
};
use crate::meta::{
    dedupe::{self, Occurrences},
    event::{Channel, Event, Kind, OccurredAtSource, Problem},
    fields::{Comment, Detail, Parties},
    json::Object,
    sanitise::SafeText,
    time,
};

type Text<'a> = Option<Cow<'a, str>>;

/// What the columns take from the content of an item.
#[derive(Default)]
struct Columns<'a> {
    message_id: Text<'a>,
    comment_id: Text<'a>,
    media_id: Text<'a>,
    parent_id: Text<'a>,
    text: Text<'a>,
    is_echo: bool,
    is_self: bool,
}

/// The document around an item.
pub(super) struct Around<'d, 't, 'a> {
    /// The body's text, which columns are slices of.
    pub text: &'d SafeText,
    pub entry: &'d Entry<'t, 'a>,
    pub typing: Typing,
    pub received_at: Timestamp,
}

/// The event of `item`.
pub(super) fn event(
    item: Item<'_, '_>,
    around: &Around<'_, '_, '_>,
    too_deep: bool,
    occurrences: &mut Occurrences,
) -> Event {
    let Around { text, entry, .. } = *around;
    let mut typed = Typed::read(item.form, item.channel, around.typing);
    if too_deep {
        typed.kind = Kind::Unknown;
    }
    let detail = typed.detail();
    let parties = parties(&detail, &typed.value);
    let field = typed.field.or_else(|| entry.topic.and_then(kind::name));
    let columns = Columns::of(&detail, entry.id.as_deref());
    let person_id = other_party(&parties, &detail, &entry.id);
    let own_time = parties.timestamp;
    let (occurred_at, occurred_at_source) = occurred_at(own_time, &item, entry, around.received_at);
    let payload = &item.payload;
    let dedupe_key = dedupe::key(&entry.scope, &detail, &parties, payload, occurrences);
    let touched =
        text.touched(entry.id_source) || item.sources.iter().any(|part| text.touched(part));
    let mut ids = Ids {
        text,
        problem: entry.id_too_long.then_some(Problem::IdTooLong),
    };
    let mut event = Event {
        kind: typed.kind,
        channel: item.channel,
        field: field.and_then(|field| ids.field(field)),
        account_id: ids.keep(entry.id.clone()),
        person_id: ids.keep(person_id),
        sender_id: ids.keep(parties.sender_id),
        recipient_id: ids.keep(parties.recipient_id),
        username: ids.keep(parties.username),
        message_id: ids.keep(columns.message_id),
        comment_id: ids.keep(columns.comment_id),
        media_id: ids.keep(columns.media_id),
        parent_id: ids.keep(columns.parent_id),
        text: columns.text.map(|own| text.share(own)),
        is_echo: columns.is_echo,
        is_self: columns.is_self || parties.is_self,
        is_test: entry.is_test(),
        occurred_at,
        occurred_at_source,
        payload: (!too_deep).then(|| text.share(item.payload)),
        problem: None,
        dedupe_key,
    };
    event.problem = problem(too_deep, touched, ids.problem);
    event
}

/// `object` and the like, within the bound of an id.
pub(super) fn short(text: Cow<'_, str>) -> Cow<'_, str> {
    match (text.char_indices().nth(MAX_ID / 4), text) {
        (None, text) => text,
        (Some((end, _)), Cow::Borrowed(text)) => Cow::Borrowed(&text[..end]),
        (Some((end, _)), Cow::Owned(text)) => Cow::Owned(text[..end].to_owned()),
    }
}

impl<'a> Columns<'a> {
    fn of(detail: &Detail<'a>, account_id: Option<&str>) -> Self {
        let message = |id: &Text<'a>| Self {
            message_id: id.clone(),
            ..Self::default()
        };
        match detail {
            Detail::Comment(comment) | Detail::LiveComment(comment) => {
                Self::of_comment(comment, account_id)
            }
            Detail::Mention(mention) => Self {
                media_id: mention.media_id.clone(),
                comment_id: mention.comment_id.clone(),
                ..Self::default()
            },
            Detail::StoryInsights(story) => Self {
                media_id: story.media_id.clone(),
                ..Self::default()
            },
            Detail::Message(it) => Self {
                text: it.text.clone(),
                parent_id: it.parent().cloned(),
                is_echo: it.is_echo,
                is_self: it.is_self,
                ..message(&it.mid)
            },
            Detail::MessageDeleted(it) => Self {
                is_echo: it.is_echo,
                is_self: it.is_self,
                ..message(&it.mid)
            },
            Detail::MessageEdit(edit) => Self {
                text: edit.text.clone(),
                ..message(&edit.mid)
            },
            Detail::Reaction(reaction) => message(&reaction.mid),
            Detail::Postback(it) => Self {
                text: it.title.clone(),
                ..message(&it.mid)
            },
            Detail::Seen(seen) => message(&seen.mid),
            Detail::ResponseFeedback(feedback) => message(&feedback.mid),
            Detail::Referral(_)
            | Detail::Optin(_)
            | Detail::Handover(_)
            | Detail::PolicyEnforcement(_)
            | Detail::Unknown => Self::default(),
        }
    }

    fn of_comment(comment: &Comment<'a>, account_id: Option<&str>) -> Self {
        Self {
            comment_id: comment.id.clone(),
            media_id: comment.media_id.clone(),
            parent_id: comment.parent_id.clone(),
            text: comment.text.clone(),
            is_self: comment.is_own(account_id),
            ..Self::default()
        }
    }
}

/// Sender and recipient; who commented is the sender of a comment.
fn parties<'a>(detail: &Detail<'a>, value: &Object<'_, 'a>) -> Parties<'a> {
    let mut parties = Parties::read(value);
    if let Detail::Comment(comment) | Detail::LiveComment(comment) = detail {
        parties.sender_id.clone_from(&comment.from_id);
        parties.username.clone_from(&comment.from_username);
    }
    parties
}

/// The person on the other side: the recipient of an echo, also of one that was unsent, else the
/// sender; and the other one of the two where that is the account itself, for messages of the
/// account have come without the flag of an echo.
fn other_party<'a>(parties: &Parties<'a>, detail: &Detail<'a>, account_id: &Text<'a>) -> Text<'a> {
    let (first, second) = match detail {
        Detail::Message(it) | Detail::MessageDeleted(it) if it.is_echo => {
            (&parties.recipient_id, &parties.sender_id)
        }
        _ => (&parties.sender_id, &parties.recipient_id),
    };
    let is_account = first.is_some() && first == account_id;
    let is_comment = matches!(detail, Detail::Comment(_) | Detail::LiveComment(_));
    let other = if is_account && !is_comment {
        second
    } else {
        first
    };
    other.clone().or_else(|| first.clone())
}

/// The item's own time, else for changes and the flat form the time at which the entry was sent.
fn occurred_at(
    own: Option<Timestamp>,
    item: &Item<'_, '_>,
    entry: &Entry<'_, '_>,
    received_at: Timestamp,
) -> (Option<Timestamp>, OccurredAtSource) {
    let believable = |moment: &Timestamp| time::believable(*moment, received_at);
    let sent = || match item.channel {
        Channel::Changes | Channel::Entry => entry.sent.filter(believable),
        Channel::Messaging | Channel::Standby => None,
    };
    if let Some(own) = own.filter(believable) {
        return (Some(own), OccurredAtSource::Item);
    }
    match sent() {
        Some(sent) => (Some(sent), OccurredAtSource::Sent),
        None => (None, OccurredAtSource::None),
    }
}

/// Keeps ids within [`MAX_ID`]: a longer one would not fit an index.
struct Ids<'a> {
    text: &'a SafeText,
    problem: Option<Problem>,
}

impl Ids<'_> {
    fn keep(&mut self, id: Text<'_>) -> Option<ByteString> {
        let id = id?;
        if id.len() > MAX_ID {
            self.problem = Some(Problem::IdTooLong);
            return None;
        }
        Some(self.text.share(id))
    }

    fn field(&mut self, field: Field<'_>) -> Option<ByteString> {
        match field {
            Field::Known(field) => Some(ByteString::from_static(field)),
            Field::Other(field) => self.keep(Some(field)),
            Field::TooLong => {
                self.problem = Some(Problem::IdTooLong);
                None
            }
        }
    }
}

fn problem(too_deep: bool, touched: bool, ids: Option<Problem>) -> Option<Problem> {
    match (too_deep, touched) {
        (true, _) => Some(Problem::TooDeep),
        (false, true) => Some(Problem::UnsafeText),
        (false, false) => ids,
    }
}
