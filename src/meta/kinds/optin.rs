//! Kind `optin`: an opt-in to notification messages, or its end (`messaging_optins`). The older
//! form has only a reference.

use super::{
    Content, Item, NaturalKey,
    field::{Fields, moment, text},
};
use crate::meta::data::Data;

/// Own fields of an opt-in.
pub(super) const FIELDS: Fields = &[&[
    text("optin_type").at("type"),
    text("optin_payload").at("payload").content(),
    text("title").content(),
    text("token").at("notification_messages_token").content(),
    text("frequency").at("notification_messages_frequency"),
    text("timezone").at("notification_messages_timezone"),
    moment("token_expires_at").at("token_expiry_timestamp"),
    text("token_status").at("user_token_status"),
    text("status").at("notification_messages_status"),
    text("ref"),
    text("user_ref"),
]];

pub(super) fn read<'a>(item: &Item<'_, 'a>, key: &mut NaturalKey<'_>) -> Content<'a> {
    let optin = &item.inner;
    let texts = |names: [&str; 4]| names.map(|name| optin.text(name));
    let [user_ref, token] = ["user_ref", "notification_messages_token"].map(|key| optin.id(key));
    let [kind, status, token_status, reference] = texts([
        "type",
        "notification_messages_status",
        "user_token_status",
        "ref",
    ]);
    // An opt-in and its end can have the same time.
    let what = [&user_ref, &kind, &token, &status, &token_status, &reference];
    key.between(&what.map(|part| part.as_deref()));
    let [payload, title, frequency, timezone] = texts([
        "payload",
        "title",
        "notification_messages_frequency",
        "notification_messages_timezone",
    ]);
    let expiry = optin.id("token_expiry_timestamp");
    Content {
        data: Data::default()
            .text("type", kind)
            .text("payload", payload)
            .text("title", title)
            .text("notification_messages_token", token)
            .text("notification_messages_frequency", frequency)
            .text("notification_messages_timezone", timezone)
            .moment("token_expiry_timestamp", expiry.as_deref())
            .text("user_token_status", token_status)
            .text("notification_messages_status", status)
            .text("ref", reference)
            .text("user_ref", user_ref),
        ..Content::default()
    }
}
