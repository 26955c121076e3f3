//! `data` in the JSON of an event: the own columns of the kind's view, computed from the stored row.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    meta::{
        event::Kind,
        json::{Index, Object, Value},
        kinds::{Field, Form},
    },
    store::read::{EventRow, Textual},
};

/// Own fields of a kind as a JSON object; without `content`, fields with content are null.
pub(super) fn own_data(kind: Kind, row: &EventRow, content: bool) -> Option<Box<RawValue>> {
    let stored = row.data.as_ref().map_or("{}", |data| data.get());
    let index = Index::of(stored).unwrap_or_default();
    let root = index.root(stored).object().unwrap_or_default();
    let pairs = kind.own_fields().map(|field| {
        let hidden = field.is_content && !content;
        let value = (!hidden).then(|| value(field, &root, row)).flatten();
        format!("\"{}\":{}", field.name, value.as_deref().unwrap_or("null"))
    });
    let text = format!("{{{}}}", pairs.collect::<Vec<_>>().join(","));
    RawValue::from_string(text).ok()
}

/// JSON text of a field.
fn value(field: &Field, data: &Object<'_, '_>, row: &EventRow) -> Option<String> {
    let found = find(field, data);
    match field.form {
        Form::Text => text(found?),
        Form::Written => string(row.text.as_deref()?),
        Form::Integer => integer(found?).map(|number| number.to_string()),
        Form::Flag => Some(found.is_some_and(|it| it.raw() == "true").to_string()),
        Form::Moment => {
            let moment = Timestamp::from_millisecond(integer(found?)?).ok()?;
            string(&moment.form())
        }
        Form::Json => found.map(|it| it.raw().to_owned()),
        Form::Types => string(&types(found)),
    }
}

/// Value at the path of a field.
fn find<'t, 'a>(field: &Field, data: &Object<'t, 'a>) -> Option<Value<'t, 'a>> {
    let mut keys = field.keys().peekable();
    let mut object = data.clone();
    while let Some(key) = keys.next() {
        if keys.peek().is_none() {
            return object.get(key);
        }
        object = object.object(key)?;
    }
    None
}

/// A string, or the JSON of anything else, as `->>` in Postgres.
fn text(value: Value<'_, '_>) -> Option<String> {
    string(&value.string().unwrap_or_else(|| value.raw().into()))
}

fn integer(value: Value<'_, '_>) -> Option<i64> {
    value.raw().parse().ok()
}

/// Type of each attachment in a list, in order.
fn types(attachments: Option<Value<'_, '_>>) -> Vec<Option<String>> {
    let all = attachments.and_then(Value::list).unwrap_or_default();
    let objects = all.filter_map(Value::object);
    objects.map(|it| it.text("type").map(Into::into)).collect()
}

fn string(value: &(impl Serialize + ?Sized)) -> Option<String> {
    serde_json::to_string(value).ok()
}
