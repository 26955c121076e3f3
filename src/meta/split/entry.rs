//! An entry and its items, in every container found in Meta's documents and deliveries.

use std::borrow::Cow;

use jiff::Timestamp;

use super::{MAX_ID, MAX_SPELLED};
use crate::meta::{
    dedupe::{Named, Scope},
    event::Channel,
    json::{Object, Value},
    sanitise::SafeText,
    time,
};

/// An element of `entry`, or a Threads envelope. Values shared by its items are read once: hostile
/// input may have values as long as the body beside thousands of items.
pub(super) struct Entry<'t, 'a> {
    /// Account id; `0` from the dashboard's Test button.
    pub id: Option<Cow<'a, str>>,
    /// True if `id` is too long for a column and was dropped.
    pub id_too_long: bool,
    /// Text of the id in the body.
    pub id_source: &'a str,
    /// Scope of the dedupe keys of the items.
    pub scope: Scope,
    /// `time`: when Meta sent the entry, not when the item occurred.
    pub sent: Option<Timestamp>,
    /// Topic of a Threads envelope, for values without a field.
    pub topic: Option<Value<'t, 'a>>,
    object: Object<'t, 'a>,
}

/// An item of an entry.
pub(super) struct Item<'t, 'a> {
    /// Container of the item.
    pub channel: Channel,
    /// Parts of the item.
    pub form: Form<'t, 'a>,
    /// Slice of the item in the body. For the flat form, and for a list as value, the slice is only
    /// the value, so that items never share bytes.
    pub slice: Value<'t, 'a>,
    /// True for a member of a list as value.
    pub is_member: bool,
    /// Content that identifies an item without natural key.
    pub content: Named<'t, 'a>,
}

/// An item in the form of its container.
#[derive(Clone, Copy)]
pub(super) enum Form<'t, 'a> {
    /// An element of `messaging` or `standby`.
    Message(Value<'t, 'a>),
    /// A change, or an object with the keys of a change.
    Change(Change<'t, 'a>),
    /// A name in `changed_fields`, or an element of `changes` that is not an object.
    Other(Value<'t, 'a>),
}

/// Parts of a change; if the value is a list, with one of its members.
#[derive(Clone, Copy)]
pub(super) struct Change<'t, 'a> {
    pub field: Option<Value<'t, 'a>>,
    pub value: Option<Value<'t, 'a>>,
    pub verb: Option<Value<'t, 'a>>,
}

impl<'t, 'a> Entry<'t, 'a> {
    /// Reads an entry of a notification to `app`; `None` if it is not a JSON object.
    pub(super) fn read(value: Value<'t, 'a>, app: &str) -> Option<Self> {
        Some(Self::of(value.object()?, "id", app))
    }

    /// Reads a Threads envelope, which has no `entry`. Its `target_id` is a media or a user of
    /// Threads, so it is not an account id, but it is part of the dedupe keys.
    pub(super) fn threads(document: &Object<'t, 'a>, app: &str) -> Option<Self> {
        let topic = document.get("topic")?;
        document.get("values")?;
        Some(Self {
            id: None,
            topic: Some(topic),
            ..Self::of(document.clone(), "target_id", app)
        })
    }

    fn of(object: Object<'t, 'a>, id_key: &str, app: &str) -> Self {
        let id = object.id(id_key);
        let id_too_long = id.as_ref().is_some_and(|id| id.len() > MAX_ID);
        let sent = object.id("time");
        Self {
            scope: Scope::new(app, id.as_deref(), sent.as_deref()),
            id: id.filter(|_| !id_too_long),
            id_too_long,
            id_source: object.raw(id_key).unwrap_or_default(),
            sent: sent.as_deref().and_then(time::read),
            topic: None,
            object,
        }
    }

    /// True if the entry is from the dashboard's Test button.
    pub(super) fn is_test(&self) -> bool {
        self.id.as_deref() == Some("0")
    }

    /// A value of the entry.
    pub(super) fn get(&self, key: &str) -> Option<Value<'t, 'a>> {
        self.object.get(key)
    }

    /// True if one of the containers is not a list, and so has no items.
    pub(super) fn is_odd(&self) -> bool {
        ["changes", "messaging", "standby", "changed_fields"]
            .iter()
            .filter_map(|key| self.object.get(key))
            .any(|container| container.list().is_none())
    }

    /// Items of the entry. Every element of a container is an item, even `null`.
    pub(super) fn items(&self) -> impl Iterator<Item = Item<'t, 'a>> {
        let list = |key| self.object.list(key).unwrap_or_default();
        let messages = |key, channel| list(key).map(move |value| message(value, channel));
        list("changes")
            .flat_map(|value| change(value, Channel::Changes))
            .chain(messages("messaging", Channel::Messaging))
            .chain(messages("standby", Channel::Standby))
            .chain(self.flat().into_iter().flatten())
            .chain(list("changed_fields").map(|value| other(value, Channel::Entry)))
    }

    /// Items of a Threads envelope: `values` is a change or a list of changes.
    pub(super) fn values(&self) -> impl Iterator<Item = Item<'t, 'a>> {
        let values = self.object.get("values");
        let list = values.and_then(Value::list);
        let single = values.filter(|_| list.is_none());
        let values = single.into_iter().chain(list.unwrap_or_default());
        values.flat_map(|value| change(value, Channel::Entry))
    }

    /// Items of the flat form: the documents of the Instagram Login product show `field` and
    /// `value` on the entry itself, which then takes the place of a change.
    fn flat(&self) -> Option<impl Iterator<Item = Item<'t, 'a>> + use<'t, 'a>> {
        self.object.get("field")?;
        let change = Change::of(&self.object);
        let slice = change.value.or(change.field)?;
        let item = change.item(Channel::Entry, slice, change);
        Some(change.spread(item))
    }
}

impl Item<'_, '_> {
    /// True if some of the item's text was replaced.
    pub(super) fn is_touched(&self, text: &SafeText) -> bool {
        match self.content {
            Named::Value(value) => text.touched(value.raw()),
            Named::Object(parts) => parts
                .iter()
                .filter_map(|(_, part)| *part)
                .any(|part| text.touched(part.raw())),
        }
    }
}

impl<'t, 'a> Change<'t, 'a> {
    fn of(object: &Object<'t, 'a>) -> Self {
        let [field, value, verb] = ["field", "value", "verb"].map(|key| object.get(key));
        Self { field, value, verb }
    }

    /// An item whose parts are not in a change of their own; the parts in `named` identify it.
    fn item(self, channel: Channel, slice: Value<'t, 'a>, named: Self) -> Item<'t, 'a> {
        let Self { field, value, verb } = named;
        Item {
            channel,
            form: Form::Change(self),
            slice,
            is_member: false,
            content: Named::Object([("field", field), ("value", value), ("verb", verb)]),
        }
    }

    /// Returns `item`, or an item for each member if the value is a non-empty list, as in Meta's
    /// page of examples.
    fn spread(self, item: Item<'t, 'a>) -> impl Iterator<Item = Item<'t, 'a>> + use<'t, 'a> {
        let channel = item.channel;
        let members = self.value.and_then(Value::list).unwrap_or_default();
        let single = members.clone().next().is_none().then_some(item);
        // Drops long parts, which would be hashed again for each member.
        let alone = Self {
            field: self.field.filter(is_short),
            value: None,
            verb: self.verb.filter(is_short),
        };
        let members = members.map(move |slice| {
            let value = Some(slice);
            Item {
                is_member: true,
                ..Self { value, ..self }.item(channel, slice, Self { value, ..alone })
            }
        });
        single.into_iter().chain(members)
    }
}

fn message<'t, 'a>(value: Value<'t, 'a>, channel: Channel) -> Item<'t, 'a> {
    Item {
        form: Form::Message(value),
        ..other(value, channel)
    }
}

fn other<'t, 'a>(value: Value<'t, 'a>, channel: Channel) -> Item<'t, 'a> {
    Item {
        channel,
        form: Form::Other(value),
        slice: value,
        is_member: false,
        content: Named::Value(value),
    }
}

/// The items of a change: one item, or an item for each member if its value is a list.
fn change<'t, 'a>(
    value: Value<'t, 'a>,
    channel: Channel,
) -> impl Iterator<Item = Item<'t, 'a>> + use<'t, 'a> {
    let change = value.object().map(|object| Change::of(&object));
    let mut item = other(value, channel);
    item.form = change.map_or(item.form, Form::Change);
    let (single, items) = match change {
        Some(change) => (None, Some(change.spread(item))),
        None => (Some(item), None),
    };
    single.into_iter().chain(items.into_iter().flatten())
}

/// True for a string that fits into a column.
fn is_short(part: &Value<'_, '_>) -> bool {
    let short = (part.raw().len() <= MAX_SPELLED).then(|| part.string());
    short.flatten().is_some_and(|part| part.len() <= MAX_ID)
}
