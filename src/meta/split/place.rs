//! Places of the items in a body: each item with the parts of the notification around it, from which
//! a notification with some of the items can be built.

use super::{
    MAX_ITEMS, MAX_SPELLED, documents,
    entry::{Change, Entry, Form, Item},
    mark,
};
use crate::meta::{
    event::Channel,
    json::{Index, Object, Value},
};

/// A key of the body and the text of its value; none if there is no value, or if the value is longer
/// than an id can be, since the value is repeated for every item.
pub type Part<'a> = (&'static str, Option<&'a str>);

/// Place of an item in a body. All texts are slices of the body.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Offset of the item in the body, in bytes: `item_start` of its event.
    pub start: usize,
    /// The item.
    pub item: &'a str,
    /// Keys of the notification beside its items.
    pub notification: [Part<'a>; 4],
    /// Keys of the entry beside its items; none in a Threads envelope, which has no entries.
    pub entry: Option<[Part<'a>; 2]>,
    /// Key of the list that contains the item; none if the item is on the entry itself.
    pub list: Option<&'static str>,
    /// The change around the item, if the item is only its value.
    pub wrapper: Option<Wrapper<'a>>,
}

/// A change around its value, or around a member of its value.
#[derive(Clone, Copy, Debug)]
pub struct Wrapper<'a> {
    /// `field` and `verb`.
    pub beside: [Part<'a>; 2],
    /// Key of the value; `field` if there is no value, and the field is the item.
    pub key: &'static str,
    /// True if the item is a member of a list.
    pub is_member: bool,
}

/// Places of the items in `body`, in the order of their events; none if the body is not JSON. A body
/// with more than [`MAX_ITEMS`] items has no events.
pub fn places(body: &[u8]) -> Vec<Place<'_>> {
    let start = mark(body);
    let text = body.get(start..).map(str::from_utf8);
    let text = text.and_then(Result::ok).unwrap_or_default();
    let index = Index::of(text).unwrap_or_default();
    let mut found = Vec::new();
    for document in documents(index.root(text)) {
        add(&document, start, &mut found);
    }
    found
}

/// Adds the places of a notification in a text that begins at `start`.
fn add<'a>(document: &Object<'_, 'a>, start: usize, found: &mut Vec<Place<'a>>) {
    let mut around = Place {
        start,
        item: "",
        notification: NOTIFICATION.map(|key| (key, None)),
        entry: None,
        list: None,
        wrapper: None,
    };
    if let Some(entries) = document.list("entry") {
        let [object, ..] = &mut around.notification;
        *object = part(object.0, document.get(object.0));
        for entry in entries.filter_map(|entry| Entry::read(entry, "")) {
            around.entry = Some(["id", "time"].map(|key| part(key, entry.get(key))));
            let items = entry.items().map(|item| around.of(&item));
            found.extend(items.take(MAX_ITEMS.saturating_sub(found.len())));
        }
    } else if let Some(envelope) = Entry::threads(document, "") {
        around.notification = NOTIFICATION.map(|key| part(key, document.get(key)));
        let items = envelope.values().map(|item| around.of(&item));
        found.extend(items.take(MAX_ITEMS.saturating_sub(found.len())));
    }
}

/// Keys of a notification; all but the first are keys of a Threads envelope.
const NOTIFICATION: [&str; 4] = ["object", "topic", "target_id", "time"];

impl<'a> Place<'a> {
    /// Place of `item` in the entry of this place.
    fn of(self, item: &Item<'_, 'a>) -> Self {
        let list = match (self.entry, item.channel, item.form) {
            (None, ..) => Some("values"),
            (_, Channel::Entry, Form::Change(_)) => None,
            (_, Channel::Entry, _) => Some("changed_fields"),
            (_, channel, _) => Some(channel.as_str()),
        };
        let wrapper = match item.form {
            Form::Change(change) if item.is_member || list.is_none() => {
                Some(Wrapper::of(change, item.is_member))
            }
            _ => None,
        };
        Self {
            start: self.start + item.slice.start(),
            item: item.slice.raw(),
            list,
            wrapper,
            ..self
        }
    }
}

impl<'a> Wrapper<'a> {
    fn of(change: Change<'_, 'a>, is_member: bool) -> Self {
        let Change { field, value, verb } = change;
        let field = field.filter(|_| value.is_some());
        Self {
            beside: [part("field", field), part("verb", verb)],
            key: value.map_or("field", |_| "value"),
            is_member,
        }
    }
}

fn part<'a>(key: &'static str, value: Option<Value<'_, 'a>>) -> Part<'a> {
    let text = value.map(Value::raw);
    (key, text.filter(|text| text.len() <= MAX_SPELLED))
}
