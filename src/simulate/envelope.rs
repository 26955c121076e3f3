//! What surrounds items and changes: entries and notifications, in the two senders' key order.

use super::json::{Value, object};

/// A notification of the messaging sender.
pub(super) fn messaging_notification<'a>(
    object: impl Into<Value<'a>>,
    entries: Vec<Value<'a>>,
) -> Value<'a> {
    let object: Value<'a> = object.into();
    object! { "object": object, "entry": entries }
}

/// A notification of the changes sender.
pub(super) fn changes_notification<'a>(
    object: impl Into<Value<'a>>,
    entries: Vec<Value<'a>>,
) -> Value<'a> {
    let object: Value<'a> = object.into();
    object! { "entry": entries, "object": object }
}

/// An entry with messaging items. `sent_at` is in milliseconds.
pub(super) fn messaging_entry<'a>(
    account_id: impl Into<Value<'a>>,
    sent_at: i64,
    items: Vec<Value<'a>>,
) -> Value<'a> {
    let id: Value<'a> = account_id.into();
    object! { "time": Value::SentAt(sent_at), "id": id, "messaging": items }
}

/// An entry with items of threads that another app holds. `sent_at` is in milliseconds.
pub(super) fn standby_entry<'a>(
    account_id: impl Into<Value<'a>>,
    sent_at: i64,
    items: Vec<Value<'a>>,
) -> Value<'a> {
    let id: Value<'a> = account_id.into();
    object! { "time": Value::SentAt(sent_at), "id": id, "standby": items }
}

/// An entry with changes. `sent_at` is in milliseconds; the sender writes seconds.
pub(super) fn changes_entry<'a>(
    account_id: impl Into<Value<'a>>,
    sent_at: i64,
    changes: Vec<Value<'a>>,
) -> Value<'a> {
    let id: Value<'a> = account_id.into();
    object! { "id": id, "time": Value::SentAt(sent_at / 1000), "changes": changes }
}

/// A change of `field`.
pub(super) fn change<'a>(field: impl Into<Value<'a>>, value: Value<'a>) -> Value<'a> {
    let field: Value<'a> = field.into();
    object! { "value": value, "field": field }
}
