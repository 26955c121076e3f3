//! An entry and its items, in every container that Meta's documents and deliveries show.

use std::borrow::Cow;

use jiff::Timestamp;

use super::MAX_ID;
use crate::meta::{
    dedupe::Scope,
    event::Channel,
    json::{Object, Value},
    time,
};

/// One element of `entry`. What its items share is read once: hostile input makes each of it as
/// long as the body, beside thousands of items.
pub(super) struct Entry<'t, 'a> {
    /// The account; `0` from the dashboard's Test button.
    pub id: Option<Cow<'a, str>>,
    /// Whether `id` is longer than a column holds, and not kept.
    pub id_too_long: bool,
    /// The text of its id in the body.
    pub id_source: &'a str,
    /// Within what the dedupe keys of its items hold.
    pub scope: Scope,
    /// `time`: when Meta sent it, not when it happened.
    pub sent: Option<Timestamp>,
    /// Whether `changes` of this notification are Instagram's: `object` says so, or is missing.
    pub instagram: bool,
    value: Value<'t, 'a>,
    object: Object<'t, 'a>,
}

/// One item of an entry.
pub(super) struct Item<'t, 'a> {
    /// The container it stood in.
    pub channel: Channel,
    /// What is read of it; for the flat form the entry, which has the keys of a change.
    pub value: Value<'t, 'a>,
    /// Its own text.
    pub payload: Cow<'a, str>,
    /// The parts of the body that the payload was taken from; some may be empty.
    pub sources: [&'a str; PARTS.len()],
}

/// The keys of a change, which the flat form has on the entry.
const PARTS: [&str; 3] = ["field", "value", "verb"];

impl<'t, 'a> Entry<'t, 'a> {
    /// Reads an entry of a notification about `object`, that came to `app`; `None` where it is not
    /// a JSON object.
    pub(super) fn read(value: Value<'t, 'a>, object: Option<&str>, app: &str) -> Option<Self> {
        let entry = value.object()?;
        let id = entry.id("id");
        let id_too_long = id.as_ref().is_some_and(|id| id.len() > MAX_ID);
        Some(Self {
            scope: Scope::new(app, id.as_deref()),
            id: id.filter(|_| !id_too_long),
            id_too_long,
            id_source: entry.raw("id").unwrap_or_default(),
            sent: entry.id("time").as_deref().and_then(time::read),
            instagram: object.is_none_or(|object| object == "instagram"),
            value,
            object: entry,
        })
    }

    /// Whether one of its containers is no list, so that nothing in it can be an item.
    pub(super) fn is_odd(&self) -> bool {
        ["changes", "messaging", "standby", "changed_fields"]
            .iter()
            .filter_map(|key| self.object.get(key))
            .any(|container| container.list().is_none())
    }

    /// Its items. Whatever stands in a container is one, be it `null`.
    pub(super) fn items(&self) -> impl Iterator<Item = Item<'t, 'a>> + '_ {
        self.contained("changes", Channel::Changes)
            .chain(self.contained("messaging", Channel::Messaging))
            .chain(self.contained("standby", Channel::Standby))
            .chain(self.flat())
            .chain(self.contained("changed_fields", Channel::Entry))
    }

    fn contained(
        &self,
        key: &str,
        channel: Channel,
    ) -> impl Iterator<Item = Item<'t, 'a>> + use<'t, 'a> {
        let values = self.object.list(key).unwrap_or_default();
        values.map(move |value| Item {
            channel,
            value,
            payload: Cow::Borrowed(value.raw()),
            sources: [value.raw(), "", ""],
        })
    }

    /// The documents of the Instagram Login product show `field` and `value` on the entry itself;
    /// the item is then what would have been the change.
    fn flat(&self) -> Option<Item<'t, 'a>> {
        self.object.get("field")?;
        let sources = PARTS.map(|key| self.object.raw(key).unwrap_or_default());
        let pairs = PARTS.iter().zip(sources);
        let payload = pairs
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| format!("\"{key}\":{value}"))
            .collect::<Vec<_>>();
        Some(Item {
            channel: Channel::Entry,
            value: self.value,
            payload: Cow::Owned(format!("{{{}}}", payload.join(","))),
            sources,
        })
    }
}
