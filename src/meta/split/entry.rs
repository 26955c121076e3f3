//! An entry and its items, in every container that Meta's documents and deliveries show.

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

/// An element of `entry`, or an envelope of Threads. What its items share is read once: hostile
/// input makes each of it as long as the body, beside thousands of items.
pub(super) struct Entry<'t, 'a> {
    /// The account; `0` from the dashboard's Test button.
    pub id: Option<Cow<'a, str>>,
    /// True if `id` is longer than a column holds, and not kept.
    pub id_too_long: bool,
    /// The text of its id in the body.
    pub id_source: &'a str,
    /// Scope of the dedupe keys of its items.
    pub scope: Scope,
    /// `time`: when Meta sent it, not when it happened.
    pub sent: Option<Timestamp>,
    /// The topic of an envelope of Threads, for values that name no field.
    pub topic: Option<Value<'t, 'a>>,
    object: Object<'t, 'a>,
}

/// One item of an entry.
pub(super) struct Item<'t, 'a> {
    /// The container it stood in.
    pub channel: Channel,
    /// Its parts.
    pub form: Form<'t, 'a>,
    /// Its slice of the body. Of the flat form, and of a list as value, this is a value alone: an
    /// item shares no byte with its neighbours.
    pub slice: Value<'t, 'a>,
    /// Its content.
    pub content: Named<'t, 'a>,
}

/// An item as its container shows it.
#[derive(Clone, Copy)]
pub(super) enum Form<'t, 'a> {
    /// An element of `messaging` or `standby`.
    Message(Value<'t, 'a>),
    /// A change, or an object with its keys.
    Change(Change<'t, 'a>),
    /// A name in `changed_fields`, or an element of `changes` that is no object.
    Other(Value<'t, 'a>),
}

/// The parts of a change, with one value if that is a list.
#[derive(Clone, Copy)]
pub(super) struct Change<'t, 'a> {
    pub field: Option<Value<'t, 'a>>,
    pub value: Option<Value<'t, 'a>>,
    pub verb: Option<Value<'t, 'a>>,
}

impl<'t, 'a> Entry<'t, 'a> {
    /// Reads an entry of a notification that came to `app`; `None` if it is not a JSON object.
    pub(super) fn read(value: Value<'t, 'a>, app: &str) -> Option<Self> {
        Some(Self::of(value.object()?, "id", app))
    }

    /// Reads an envelope of Threads, which has no `entry`: its `target_id` is a media or a user of
    /// Threads, so it is no account, but part of the keys.
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

    /// True if it is what the dashboard's Test button sends.
    pub(super) fn is_test(&self) -> bool {
        self.id.as_deref() == Some("0")
    }

    /// True if one of its containers is no list, so that nothing in it can be an item.
    pub(super) fn is_odd(&self) -> bool {
        ["changes", "messaging", "standby", "changed_fields"]
            .iter()
            .filter_map(|key| self.object.get(key))
            .any(|container| container.list().is_none())
    }

    /// Its items. Whatever stands in a container is one, be it `null`.
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

    /// The items of an envelope of Threads: `values` is a change or a list of them.
    pub(super) fn values(&self) -> impl Iterator<Item = Item<'t, 'a>> {
        let values = self.object.get("values");
        let list = values.and_then(Value::list);
        let single = values.filter(|_| list.is_none());
        let values = single.into_iter().chain(list.unwrap_or_default());
        values.flat_map(|value| change(value, Channel::Entry))
    }

    /// The documents of the Instagram Login product show `field` and `value` on the entry itself;
    /// the item is then what would have been the change.
    fn flat(&self) -> Option<impl Iterator<Item = Item<'t, 'a>> + use<'t, 'a>> {
        self.object.get("field")?;
        let change = Change::of(&self.object);
        let slice = change.value.or(change.field)?;
        let item = change.item(Channel::Entry, slice, change);
        Some(change.spread(item))
    }
}

impl Item<'_, '_> {
    /// True if some of its text had to be replaced.
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

    /// An item of parts that stand in no change of their own, named by those of `named`.
    fn item(self, channel: Channel, slice: Value<'t, 'a>, named: Self) -> Item<'t, 'a> {
        let Self { field, value, verb } = named;
        Item {
            channel,
            form: Form::Change(self),
            slice,
            content: Named::Object([("field", field), ("value", value), ("verb", verb)]),
        }
    }

    /// `item`, or one item for each member if the value is a list with members, as Meta's page of
    /// examples shows it.
    fn spread(self, item: Item<'t, 'a>) -> impl Iterator<Item = Item<'t, 'a>> + use<'t, 'a> {
        let channel = item.channel;
        let members = self.value.and_then(Value::list).unwrap_or_default();
        let single = members.clone().next().is_none().then_some(item);
        // Long parts would be read again for each member.
        let alone = Self {
            field: self.field.filter(is_short),
            value: None,
            verb: self.verb.filter(is_short),
        };
        let members = members.map(move |slice| {
            let value = Some(slice);
            Self { value, ..self }.item(channel, slice, Self { value, ..alone })
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
        content: Named::Value(value),
    }
}

/// The items of a change: one, or one for each member if its value is a list.
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

/// True for a string that a column can hold.
fn is_short(part: &Value<'_, '_>) -> bool {
    let short = (part.raw().len() <= MAX_SPELLED).then(|| part.string());
    short.flatten().is_some_and(|part| part.len() <= MAX_ID)
}
