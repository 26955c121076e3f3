//! An entry and its items, in every container that Meta's documents and deliveries show.

use std::borrow::Cow;

use crate::meta::{event::Channel, json::Object};

/// One element of `entry`.
pub(super) struct Entry<'a> {
    /// The account; `0` from the dashboard's Test button.
    pub id: Option<Cow<'a, str>>,
    /// `time`: when Meta sent it, not when it happened.
    pub sent: Option<&'a str>,
    /// Whether `changes` of this notification are Instagram's: `object` says so, or is missing.
    pub instagram: bool,
    text: &'a str,
    object: Object<'a>,
}

/// One item of an entry.
pub(super) struct Item<'a> {
    /// The container it stood in.
    pub channel: Channel,
    /// Its own text.
    pub payload: Cow<'a, str>,
    /// The part of the body that the payload was taken from.
    pub source: &'a str,
}

impl<'a> Entry<'a> {
    /// Reads an entry of a notification about `object`; `None` where it is not a JSON object.
    pub(super) fn read(text: &'a str, object: Option<&str>) -> Option<Self> {
        let entry = Object::read(text)?;
        Some(Self {
            id: entry.id("id"),
            sent: entry.get("time"),
            instagram: object.is_none_or(|object| object == "instagram"),
            text,
            object: entry,
        })
    }

    /// Its items. Whatever stands in a container is one, be it `null`.
    pub(super) fn items(&self) -> impl Iterator<Item = Item<'a>> + '_ {
        self.contained("changes", Channel::Changes)
            .chain(self.contained("messaging", Channel::Messaging))
            .chain(self.contained("standby", Channel::Standby))
            .chain(self.flat())
            .chain(self.contained("changed_fields", Channel::Entry))
    }

    fn contained(&self, key: &str, channel: Channel) -> impl Iterator<Item = Item<'a>> + use<'a> {
        let texts = self.object.list(key).unwrap_or_default();
        texts.into_iter().map(move |text| Item {
            channel,
            payload: Cow::Borrowed(text),
            source: text,
        })
    }

    /// The documents of the Instagram Login product show `field` and `value` on the entry itself;
    /// the item is then what would have been the change.
    fn flat(&self) -> Option<Item<'a>> {
        self.object.get("field")?;
        let parts = ["field", "value", "verb"]
            .into_iter()
            .filter_map(|key| Some(format!("\"{key}\":{}", self.object.get(key)?)))
            .collect::<Vec<_>>();
        let payload = Cow::Owned(format!("{{{}}}", parts.join(",")));
        Some(Item {
            channel: Channel::Entry,
            payload,
            source: self.text,
        })
    }
}
