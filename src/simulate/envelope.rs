//! What surrounds items and changes: entries and notifications, in the two senders' key order.

use super::json::{Json, object};

/// A notification of the messaging sender.
pub(super) fn messaging_notification(object: &str, entries: Vec<Json>) -> Json {
    object! { "object": object, "entry": entries }
}

/// A notification of the changes sender.
pub(super) fn changes_notification(object: &str, entries: Vec<Json>) -> Json {
    object! { "entry": entries, "object": object }
}

/// An entry with messaging items. `sent_at` is in milliseconds.
pub(super) fn messaging_entry(account_id: &str, sent_at: i64, items: Vec<Json>) -> Json {
    object! { "time": Json::SentAt(sent_at), "id": account_id, "messaging": items }
}

/// An entry with items of threads that another app holds. `sent_at` is in milliseconds.
pub(super) fn standby_entry(account_id: &str, sent_at: i64, items: Vec<Json>) -> Json {
    object! { "time": Json::SentAt(sent_at), "id": account_id, "standby": items }
}

/// An entry with changes. `sent_at` is in milliseconds; the sender writes seconds.
pub(super) fn changes_entry(account_id: &str, sent_at: i64, changes: Vec<Json>) -> Json {
    object! { "id": account_id, "time": Json::SentAt(sent_at / 1000), "changes": changes }
}

/// A change of `field`.
pub(super) fn change(field: &str, value: Json) -> Json {
    object! { "value": value, "field": field }
}
