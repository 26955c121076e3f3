//! Kind of an item, determined by its keys, else by its field.

use std::borrow::Cow;

use super::{
    MAX_SPELLED,
    entry::{Change, Form},
};
use crate::meta::{
    event::{Channel, Kind},
    json::{Object, Value},
    kinds::Item,
};

/// An item with its kind.
pub(super) struct Typed<'t, 'a> {
    /// Kind of the item.
    pub kind: Kind,
    /// Subscription field of the item.
    pub field: Option<Field<'a>>,
    /// Key of its content.
    pub key: Option<&'static str>,
    /// Object with that key: the item, or the value of a change.
    pub value: Object<'t, 'a>,
    /// `verb` beside the value of a change.
    verb: Option<Value<'t, 'a>>,
}

/// A subscription field.
pub(super) enum Field<'a> {
    /// Field of a kind, in Meta's spelling for Instagram.
    Known(&'static str),
    /// Field without a kind here, unchanged.
    Other(Cow<'a, str>),
    /// A field that is too long for a column.
    TooLong,
}

/// Decides which `changes` of a notification have kinds, by its `object`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Typing {
    /// True if Instagram changes have kinds: `object` is `instagram`, or missing.
    instagram: bool,
    /// True if messaging changes have kinds; Pages have these, too.
    messaging: bool,
}

impl Typing {
    /// No change has a kind.
    pub(super) const NONE: Self = Self {
        instagram: false,
        messaging: false,
    };

    /// Typing for a notification with this `object`.
    pub(super) fn of(object: Option<&str>) -> Self {
        let instagram = object.is_none_or(|object| object == "instagram");
        Self {
            instagram,
            messaging: instagram || object == Some("page"),
        }
    }

    /// Kind of `field`; none if the field has no kind here.
    fn by_field(self, field: &str) -> Option<Kind> {
        let kind = Kind::of_field(field)?;
        let has_kinds = if kind.is_messaging() {
            self.messaging
        } else {
            self.instagram
        };
        has_kinds.then_some(kind)
    }
}

impl<'t, 'a> Typed<'t, 'a> {
    /// Determines the kind of an item.
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

    /// The item in the form that its kind reads.
    pub(super) fn item(&self, account_id: Option<Cow<'a, str>>) -> Item<'t, 'a> {
        let inner = self.key.and_then(|key| self.value.object(key));
        Item {
            key: self.key,
            inner: inner.unwrap_or_else(|| self.value.clone()),
            value: self.value.clone(),
            verb: self.verb,
            account_id,
        }
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
            // The value may still have the key of a messaging item.
            None => typing.messaging.then_some(Kind::Unknown),
        };
        let by_field = known.unwrap_or(Kind::Unknown);
        let has_keys = known.is_some_and(Kind::is_messaging);
        let by_key = has_keys.then(|| by_key(&value)).flatten();
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

/// The first key in the order of [`Kind::keys`] decides; inside `message` the unsend flag does.
fn by_key(item: &Object<'_, '_>) -> Option<(&'static str, Kind)> {
    let (key, kind) = Kind::keys().find(|(key, _)| item.get(key).is_some())?;
    let inner = (kind == Kind::Message).then(|| item.object(key)).flatten();
    Some((key, unless_unsent(kind, &inner.unwrap_or_default())))
}

/// Turns a message with the unsend flag into an unsend.
fn unless_unsent(kind: Kind, message: &Object<'_, '_>) -> Kind {
    if kind == Kind::Message && message.flag("is_deleted") {
        Kind::MessageDeleted
    } else {
        kind
    }
}

fn spelled(kind: Kind, field: Option<Field<'_>>) -> Option<Field<'_>> {
    kind.field().map(Field::Known).or(field)
}

/// Name of a field as spelled in the body.
pub(super) fn name<'a>(field: Value<'_, 'a>) -> Option<Field<'a>> {
    if field.raw().len() > MAX_SPELLED {
        return Some(Field::TooLong);
    }
    let name = field.string().filter(|name| !name.is_empty())?;
    Some(Field::Other(name))
}

/// `changed_fields` has only names, for subscriptions with `include_values=false`.
fn changed_field<'a>(item: Value<'_, 'a>, channel: Channel) -> Option<Field<'a>> {
    let name = (channel == Channel::Entry).then(|| item.string())??;
    (!name.is_empty()).then_some(Field::Other(name))
}
