//! A batch of deliveries as the arrays that the commit statement takes.

use std::collections::{HashMap, HashSet};

use jiff_sqlx::{Timestamp, ToSqlx};
use uuid::Uuid;

use super::{
    Delivery,
    values::{Inet, Json},
};
use crate::meta::event::{Event, Kind, Problem};

/// The deliveries, column by column.
#[derive(Default)]
pub(super) struct Deliveries<'a> {
    pub id: Vec<Uuid>,
    pub received_at: Vec<Timestamp>,
    pub app: Vec<&'a str>,
    pub object: Vec<Option<&'a str>>,
    pub body: Vec<&'a [u8]>,
    pub headers: Vec<Json<'a>>,
    pub remote_addr: Vec<Option<Inet>>,
    pub secret: Vec<&'a str>,
    pub problem: Vec<Option<&'static str>>,
    pub event_count: Vec<i32>,
    pub source: Vec<&'static str>,
}

/// Their items, column by column, each key once: `first` says whether this is the item that
/// becomes the event if its key is new, or one that repeats it within the batch.
#[derive(Default)]
pub(super) struct Items<'a> {
    /// The place of its delivery in [`Deliveries`], from 1.
    pub delivery: Vec<i32>,
    pub first: Vec<bool>,
    /// Whether the payload of a repeat is worth keeping where it cannot be compared.
    pub keep: Vec<bool>,
    pub occurred_at: Vec<Option<Timestamp>>,
    pub occurred_at_source: Vec<&'static str>,
    pub field: Vec<Option<&'a str>>,
    pub kind: Vec<&'static str>,
    pub channel: Vec<&'static str>,
    pub account_id: Vec<Option<&'a str>>,
    pub person_id: Vec<Option<&'a str>>,
    pub sender_id: Vec<Option<&'a str>>,
    pub recipient_id: Vec<Option<&'a str>>,
    pub username: Vec<Option<&'a str>>,
    pub message_id: Vec<Option<&'a str>>,
    pub comment_id: Vec<Option<&'a str>>,
    pub media_id: Vec<Option<&'a str>>,
    pub parent_id: Vec<Option<&'a str>>,
    pub text: Vec<Option<&'a str>>,
    pub is_echo: Vec<bool>,
    pub is_self: Vec<bool>,
    pub payload: Vec<Option<Json<'a>>>,
    pub problem: Vec<Option<&'static str>>,
    pub key: Vec<Uuid>,
}

/// The accounts that the batch is for, each once.
#[derive(Default)]
pub(super) struct Accounts<'a> {
    pub app: Vec<&'a str>,
    pub id: Vec<&'a str>,
    pub seen_at: Vec<Timestamp>,
}

/// What one statement commits.
#[derive(Default)]
pub(super) struct Batch<'a> {
    /// The times at which the first and the last of its deliveries were received.
    pub oldest: Option<Timestamp>,
    pub newest: Option<Timestamp>,
    pub deliveries: Deliveries<'a>,
    pub items: Items<'a>,
    pub accounts: Accounts<'a>,
}

impl<'a> Batch<'a> {
    /// Lays `deliveries` out in columns; one that stands there twice is taken once.
    pub(super) fn of(deliveries: &'a [Delivery]) -> Self {
        let times = || deliveries.iter().map(|delivery| delivery.received_at);
        let mut batch = Self {
            oldest: times().min().map(ToSqlx::to_sqlx),
            newest: times().max().map(ToSqlx::to_sqlx),
            ..Self::default()
        };
        let (mut ids, mut seen) = (HashSet::new(), HashMap::new());
        let once = deliveries.iter().filter(|delivery| ids.insert(delivery.id));
        for (delivery, place) in once.zip(1..) {
            batch.deliveries.push(delivery);
            for event in &delivery.events {
                let first = *seen.entry(event.dedupe_key).or_insert(event);
                batch.items.push(event, place, first);
            }
            batch.accounts.push(delivery);
        }
        batch
    }
}

impl Items<'_> {
    /// The keys that became events, given which of the items were known before.
    pub(super) fn fresh(&self, known: &[bool]) -> HashSet<Uuid> {
        let items = self.key.iter().zip(&self.first).zip(known);
        let fresh = items.filter(|((_, first), known)| **first && !**known);
        fresh.map(|((key, _), _)| *key).collect()
    }
}

impl<'a> Deliveries<'a> {
    fn push(&mut self, delivery: &'a Delivery) {
        self.id.push(delivery.id);
        self.received_at.push(delivery.received_at.to_sqlx());
        self.app.push(&delivery.app);
        self.object.push(delivery.object.as_deref());
        self.body.push(&delivery.body);
        self.headers.push(Json(&delivery.headers));
        self.remote_addr.push(delivery.remote_addr.map(Inet));
        self.secret.push(&delivery.secret);
        self.problem.push(delivery.problem.map(Problem::as_str));
        self.event_count
            .push(i32::try_from(delivery.event_count).unwrap_or(i32::MAX));
        self.source.push(delivery.source.as_str());
    }
}

impl<'a> Items<'a> {
    /// Adds `event` of the delivery at `place`; `first` is the first of the batch with its key.
    fn push(&mut self, event: &'a Event, place: i32, first: &'a Event) {
        let is_first = std::ptr::eq(event, first);
        self.delivery.push(place);
        self.first.push(is_first);
        self.keep.push(if is_first {
            may_differ(event)
        } else {
            event.payload != first.payload
        });
        self.occurred_at
            .push(event.occurred_at.map(ToSqlx::to_sqlx));
        self.occurred_at_source
            .push(event.occurred_at_source.as_str());
        self.field.push(event.field.as_deref());
        self.kind.push(event.kind.as_str());
        self.channel.push(event.channel.as_str());
        self.account_id.push(event.account_id.as_deref());
        self.person_id.push(event.person_id.as_deref());
        self.sender_id.push(event.sender_id.as_deref());
        self.recipient_id.push(event.recipient_id.as_deref());
        self.username.push(event.username.as_deref());
        self.message_id.push(event.message_id.as_deref());
        self.comment_id.push(event.comment_id.as_deref());
        self.media_id.push(event.media_id.as_deref());
        self.parent_id.push(event.parent_id.as_deref());
        self.text.push(event.text.as_deref());
        self.is_echo.push(event.is_echo);
        self.is_self.push(event.is_self);
        self.payload.push(event.payload.as_deref().map(Json));
        self.problem.push(event.problem.map(Problem::as_str));
        self.key.push(event.dedupe_key);
    }
}

impl<'a> Accounts<'a> {
    /// Adds the accounts of a delivery about Instagram: the ids of other objects are pages' and
    /// users'. The Test button's `0` is nobody's.
    fn push(&mut self, delivery: &'a Delivery) {
        if !matches!(delivery.object.as_deref(), None | Some("instagram")) {
            return;
        }
        let ids = delivery
            .events
            .iter()
            .filter_map(|event| event.account_id.as_deref());
        for id in ids.filter(|id| *id != "0") {
            // Deliveries of one app and account mostly stand together.
            if self.app.last() == Some(&&*delivery.app) && self.id.last() == Some(&id) {
                continue;
            }
            self.app.push(&delivery.app);
            self.id.push(id);
            self.seen_at.push(delivery.received_at.to_sqlx());
        }
    }
}

/// Whether a repeat may carry another payload. The key of an unknown item is made from all of it,
/// and an event without these ids is not found again to compare with.
fn may_differ(event: &Event) -> bool {
    let can_be_found = event.message_id.is_some() || event.comment_id.is_some();
    can_be_found && event.kind != Kind::Unknown
}
