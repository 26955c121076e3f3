//! Hand-made deliveries and events, without a body that contains them.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use hookshelf::{
    envelope::Envelope,
    meta::{
        event::{Channel, Event, Kind, OccurredAtSource, Source},
        ids::Ids,
    },
    store::Delivery,
};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::now;

/// A delivery id that is unique in this process.
fn fresh_id() -> Uuid {
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 | u128::from(number))
}

/// A delivery received now.
pub(super) fn delivery(events: Vec<Event>) -> Delivery {
    delivery_at(now(), events)
}

/// A delivery received `days` ago.
pub(super) fn days_ago(days: i64, events: Vec<Event>) -> Delivery {
    delivery_at(ago(SignedDuration::from_hours(24 * days)), events)
}

pub(super) fn ago(time: SignedDuration) -> Timestamp {
    now().checked_sub(time).unwrap()
}

pub(super) fn delivery_at(received_at: Timestamp, events: Vec<Event>) -> Delivery {
    let id = fresh_id();
    let body = format!("{{\"body\": \"{id}\"}}");
    let length = u32::try_from(body.len()).unwrap();
    let events = events.into_iter().map(|event| Event {
        item_length: length,
        ..event
    });
    let events: Vec<_> = events.collect();
    Delivery {
        envelope: Envelope {
            id,
            received_at,
            app: "default".into(),
            headers: r#"{"x-hub-signature-256":"sha256=00"}"#.to_owned(),
            remote_addr: Some([198, 51, 100, 7].into()),
        },
        object: Some("instagram".into()),
        body: Bytes::from(body),
        secret: "app".into(),
        problem: None,
        source: Source::Live,
        event_count: events.len(),
        events,
    }
}

/// Comment with this number.
pub(super) fn comment(number: u32) -> Event {
    let mut comment = plain(Kind::Comment, number);
    comment.ids.comment_id = Some(format!("comment-{number}").into());
    comment
}

/// Message with this number.
pub(super) fn message(number: u32) -> Event {
    let mut message = plain(Kind::Message, number);
    message.ids.message_id = Some(format!("mid-{number}").into());
    message.channel = Channel::Messaging;
    message
}

/// An event without an id of its own.
pub(super) fn plain(kind: Kind, number: u32) -> Event {
    Event {
        kind,
        channel: Channel::Changes,
        field: Some("comments".into()),
        account_id: Some("17840000000000001".into()),
        person_id: Some(format!("person-{number}").into()),
        sender_id: None,
        recipient_id: None,
        username: Some("somebody".into()),
        ids: Ids {
            media_id: Some("media-1".into()),
            ..Ids::default()
        },
        text: Some(format!("text {number}").into()),
        is_echo: false,
        is_self: false,
        is_test: false,
        occurred_at: Some(now()),
        occurred_at_source: OccurredAtSource::Item,
        data: None,
        item_start: 0,
        item_length: 0,
        problem: None,
        dedupe_key: key(kind, number),
    }
}

/// The same event with these fields in `data`.
pub(super) fn told_as(event: Event, data: &str) -> Event {
    Event {
        data: Some(data.into()),
        ..event
    }
}

/// Dedupe key of the event with this kind and number.
pub(super) fn key(kind: Kind, number: u32) -> Uuid {
    let place = Kind::ALL.iter().position(|other| *other == kind).unwrap();
    Uuid::from_u128(u128::from(number) << 64 | place as u128)
}
