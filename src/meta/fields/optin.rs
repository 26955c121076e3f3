//! An opt-in to notification messages, or its end (`messaging_optins`).

use std::borrow::Cow;

use crate::meta::json::{Extra, Object};

/// An opt-in: of notification messages, or in the older form with a reference only.
#[derive(Clone, Debug)]
pub struct Optin<'a> {
    /// `notification_messages`.
    pub kind: Option<Cow<'a, str>>,
    /// What the developer put behind the button.
    pub payload: Option<Cow<'a, str>>,
    /// The title of the topic.
    pub title: Option<Cow<'a, str>>,
    /// The token with which notifications are sent.
    pub token: Option<Cow<'a, str>>,
    /// How often.
    pub frequency: Option<Cow<'a, str>>,
    /// The time zone of the person.
    pub timezone: Option<Cow<'a, str>>,
    /// When the token ends, in milliseconds since 1970.
    pub token_expiry: Option<i64>,
    /// Whether the token was renewed.
    pub user_token_status: Option<Cow<'a, str>>,
    /// `STOP NOTIFICATIONS` or `RESUME NOTIFICATIONS`.
    pub status: Option<Cow<'a, str>>,
    /// The reference of the older form.
    pub reference: Option<Cow<'a, str>>,
    /// The person of a checkbox, before they have an IGSID.
    pub user_ref: Option<Cow<'a, str>>,
    /// What is not modelled.
    pub extra: Extra<'a>,
}

const KEYS: &[&str] = &[
    "type",
    "payload",
    "title",
    "notification_messages_token",
    "notification_messages_frequency",
    "notification_messages_timezone",
    "token_expiry_timestamp",
    "user_token_status",
    "notification_messages_status",
    "ref",
    "user_ref",
];

impl<'a> Optin<'a> {
    /// Reads the value of `optin`.
    pub(crate) fn read(optin: &Object<'_, 'a>) -> Self {
        Self {
            kind: optin.text("type"),
            payload: optin.text("payload"),
            title: optin.text("title"),
            token: optin.id("notification_messages_token"),
            frequency: optin.text("notification_messages_frequency"),
            timezone: optin.text("notification_messages_timezone"),
            token_expiry: optin.integer("token_expiry_timestamp"),
            user_token_status: optin.text("user_token_status"),
            status: optin.text("notification_messages_status"),
            reference: optin.text("ref"),
            user_ref: optin.id("user_ref"),
            extra: optin.extra(KEYS),
        }
    }
}
