//! Request of an event: headers and body.

use bytes::Bytes;
use jiff::Timestamp;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::settings::Settings;
use crate::{
    config::{Mask, WebhookSecrets},
    forward::{
        consumer::HandedOut,
        notification::{Header, HubSigner, WebhookEvent, WebhookSecret},
    },
    meta::event::Kind,
};

/// Request to a destination.
#[derive(Clone, Debug)]
pub struct Request {
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

/// Reason why an event was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsent {
    /// The delivery has no text of the event any more: it was erased.
    Erased,
    /// The app of the event has no secret to sign with.
    NoSecret,
    /// There is no HTTP client.
    NoClient,
    /// The delivery could not be read.
    Unreadable,
}

impl Request {
    /// Request in the form of Standard Webhooks, without the masked parts of the event.
    pub fn event(
        event: &HandedOut,
        (secrets, mask): (&WebhookSecrets, Mask),
        now: Timestamp,
    ) -> Option<Self> {
        let row = &event.event;
        let kind = Kind::of_name(&row.kind).unwrap_or(Kind::Unknown);
        let data = mask.event(kind, str::from_utf8(&event.json).ok()?)?;
        let data: &RawValue = serde_json::from_str(&data).ok()?;
        let at = row.occurred_at.unwrap_or(row.received_at);
        let event = WebhookEvent::new(row.dedupe_key, kind, at, data);
        let valid: Vec<_> = secrets.valid_at(now).map(WebhookSecret::new).collect();
        Some(Self {
            headers: map(event.headers(&valid, now)),
            body: event.body().clone(),
        })
    }

    /// Request in Meta's form with a body of the delivery `id`.
    pub fn notification(body: Bytes, id: Uuid, signer: &HubSigner) -> Self {
        Self {
            headers: map(signer.headers(&body, id)),
            body,
        }
    }

    /// Adds the mark of simulated deliveries.
    pub fn marked(mut self, mark: &str) -> Option<Self> {
        let mark = HeaderValue::from_str(mark).ok()?;
        self.headers.insert("x-hookshelf-simulated", mark);
        Some(self)
    }

    /// Adds the number of the replay that hands the event out, if there is one.
    #[must_use]
    pub fn replayed(mut self, replay: Option<i32>) -> Self {
        let number = replay.map(HeaderValue::from);
        let number = number.map(|it| (HeaderName::from_static("x-hookshelf-replay"), it));
        self.headers.extend(number);
        self
    }

    /// Adds the headers of the destination. They replace no header of the form.
    #[must_use]
    pub fn of(mut self, settings: &Settings) -> Self {
        for (name, value) in &settings.destination.headers {
            self.headers.entry(name).or_insert_with(|| value.clone());
        }
        self
    }
}

fn map(headers: [Header; 4]) -> HeaderMap {
    let parsed = headers.into_iter().filter_map(|(name, value)| {
        let name = HeaderName::from_static(name);
        Some((name, HeaderValue::from_str(&value).ok()?))
    });
    parsed.collect()
}
