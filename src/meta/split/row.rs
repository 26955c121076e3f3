//! Event of an item: the columns shared by all kinds, and those of its kind.

use std::borrow::Cow;

use bytestring::ByteString;
use jiff::Timestamp;

use super::{
    MAX_ID,
    entry::{Entry, Item},
    kind::{self, Field, Typed, Typing},
};
use crate::meta::{
    dedupe::{self, NaturalKey, Occurrences},
    event::{Channel, Event, Kind, OccurredAtSource, Problem},
    parties::Parties,
    sanitise::SafeText,
    time,
};

type Text<'a> = Option<Cow<'a, str>>;

/// Context of an item in its document.
pub(super) struct Around<'d, 't, 'a> {
    /// Text of the body; columns are slices of it.
    pub text: &'d SafeText,
    /// Offset of the text in the body.
    pub start: usize,
    pub entry: &'d Entry<'t, 'a>,
    pub typing: Typing,
    pub received_at: Timestamp,
}

/// Builds the event of `item`.
pub(super) fn event(
    item: &Item<'_, '_>,
    around: &Around<'_, '_, '_>,
    too_deep: bool,
    occurrences: &mut Occurrences,
) -> Event {
    let Around { text, entry, .. } = *around;
    let mut typed = Typed::read(item.form, item.channel, around.typing);
    if too_deep {
        typed.kind = Kind::Unknown;
    }
    let mut parties = Parties::read(&typed.value);
    let mut key = NaturalKey::new(&entry.scope, typed.kind.as_str(), &parties);
    let mut content = typed.kind.read(&typed.item(entry.id.clone()), &mut key);
    let dedupe_key = dedupe::key(&entry.scope, key, item.content, occurrences);
    if let Some([id, username]) = content.author.take() {
        (parties.sender_id, parties.username) = (id, username);
    }
    let field = typed.field.or_else(|| entry.topic.and_then(kind::name));
    let person_id = other_party(typed.kind, &parties, content.is_echo, &entry.id);
    let (occurred_at, occurred_at_source) = occurred_at(parties.timestamp, item, around);
    let touched = text.touched(entry.id_source) || item.is_touched(text);
    let slice = item.slice.raw();
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
        ids: content.ids.map(|id| ids.keep(id)),
        text: content.text.map(|own| text.share(own)),
        is_echo: content.is_echo,
        is_self: content.is_self || parties.is_self,
        is_test: entry.is_test(),
        occurred_at,
        occurred_at_source,
        data: content.data.finish(),
        item_start: place(around.start + text.place(slice)),
        item_length: place(slice.len()),
        problem: None,
        dedupe_key,
    };
    event.problem = problem(too_deep, touched, ids.problem);
    event
}

/// Converts an offset in a body, which is shorter than 2 GiB.
fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Truncates `object` and the like to the maximum length of an id.
pub(super) fn short(text: Cow<'_, str>) -> Cow<'_, str> {
    match (text.char_indices().nth(MAX_ID / 4), text) {
        (None, text) => text,
        (Some((end, _)), Cow::Borrowed(text)) => Cow::Borrowed(&text[..end]),
        (Some((end, _)), Cow::Owned(text)) => Cow::Owned(text[..end].to_owned()),
    }
}

/// The other party: the recipient of an echo, also of an unsent echo, else the sender. If that is
/// the account itself, the other one of the two counts, because some messages of the account lack
/// the echo flag.
fn other_party<'a>(
    kind: Kind,
    parties: &Parties<'a>,
    is_echo: bool,
    account_id: &Text<'a>,
) -> Text<'a> {
    let (first, second) = if is_echo {
        (&parties.recipient_id, &parties.sender_id)
    } else {
        (&parties.sender_id, &parties.recipient_id)
    };
    let is_account = first.is_some() && first == account_id;
    let other = if is_account && kind.is_messaging() {
        second
    } else {
        first
    };
    other.clone().or_else(|| first.clone())
}

/// The item's own time, else for changes and the flat form the time of sending.
fn occurred_at(
    own: Option<Timestamp>,
    item: &Item<'_, '_>,
    around: &Around<'_, '_, '_>,
) -> (Option<Timestamp>, OccurredAtSource) {
    let believable = |moment: &Timestamp| time::believable(*moment, around.received_at);
    let sent = || match item.channel {
        Channel::Changes | Channel::Entry => around.entry.sent.filter(believable),
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

/// Drops ids longer than [`MAX_ID`], which would not fit into an index.
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
