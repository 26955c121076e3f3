//! A batch of deliveries, laid out in the columns that the commit statement takes as they come.

use std::collections::{HashMap, HashSet, hash_map::Entry};

use bytestring::ByteString;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::{Arguments, error::BoxDynError, postgres::PgArguments};
use uuid::Uuid;

use super::{
    Committed, Delivery,
    accounts::Accounts,
    column::{Column, columns},
    values::{Bool, Bytea, Id, Inet, Int4, Json, Text, Timestamptz, kept},
};
use crate::meta::event::{Event, Kind, Problem, Source};

columns! {
    /// The deliveries, column by column.
    Deliveries {
        id: Id,
        received_at: Timestamptz,
        app: Text,
        object: Text,
        body: Bytea,
        headers: Json,
        remote_addr: Inet,
        secret: Text,
        problem: Text,
        event_count: Int4,
        source: Text,
    }
}

columns! {
    /// Their items, column by column.
    Items {
        /// The place of its delivery in [`Deliveries`], from 1.
        delivery: Int4,
        /// The place of the first item with its key, from 1; null for the first itself, which
        /// becomes the event if its key is new.
        repeat_of: Int4,
        /// Whether the payload of a repeat is worth keeping where it cannot be compared.
        keep: Bool,
        occurred_at: Timestamptz,
        occurred_at_source: Text,
        field: Text,
        kind: Text,
        channel: Text,
        account_id: Text,
        person_id: Text,
        sender_id: Text,
        recipient_id: Text,
        username: Text,
        message_id: Text,
        comment_id: Text,
        media_id: Text,
        parent_id: Text,
        text: Text,
        is_echo: Bool,
        is_self: Bool,
        payload: Json,
        problem: Text,
        source: Text,
        key: Id,
    }
}

/// For how many items room is kept for the next batch when this one is emptied, and for how many
/// deliveries: a single delivery may have brought hundreds of thousands.
const KEPT: usize = 4_096;

/// How many arguments the statement has.
const ARGUMENTS: usize = 43;

/// The bytes before the values of each: its length, and the head of an array.
const HEAD: usize = 24;

/// What one statement commits.
#[derive(Debug, Default)]
pub struct Batch {
    deliveries: Deliveries,
    items: Items,
    accounts: Accounts,
    /// When each delivery was received, as it is stored; one that stands there twice included.
    times: Vec<Timestamp>,
    ids: HashSet<Uuid>,
    /// The place and the payload of the first item with each key.
    firsts: HashMap<Uuid, (i32, Option<ByteString>)>,
    /// Whether each item is the first with its key.
    is_first: Vec<bool>,
    shares: Vec<Share>,
}

/// What of a batch is one delivery's.
#[derive(Clone, Copy, Debug)]
struct Share {
    /// How many items the next ones in [`Items`] are its.
    items: usize,
    /// How many of its items are not there: it is there already itself.
    left_out: usize,
    problem: Option<Problem>,
}

impl Batch {
    /// Lays `deliveries` out.
    pub fn of(deliveries: &[Delivery]) -> Self {
        let mut batch = Self::default();
        for delivery in deliveries {
            batch.add(delivery);
        }
        batch
    }

    /// Adds a delivery; one that is there already has nothing new.
    pub fn add(&mut self, delivery: &Delivery) {
        self.times.push(kept(delivery.received_at));
        let (mut items, mut left_out) = (delivery.events.len(), 0);
        if self.ids.insert(delivery.id) {
            self.lay_out(delivery);
        } else {
            (items, left_out) = (left_out, items);
        }
        self.shares.push(Share {
            items,
            left_out,
            problem: delivery.problem,
        });
    }

    fn lay_out(&mut self, delivery: &Delivery) {
        self.deliveries.push(delivery);
        let place = i32::try_from(self.ids.len()).unwrap_or(i32::MAX);
        for event in &delivery.events {
            let (repeat_of, keep) = self.meet(event);
            self.is_first.push(repeat_of.is_none());
            let source = delivery.source_of(event);
            self.items.push(event, source, (repeat_of, keep), place);
        }
        self.accounts.push(delivery);
    }

    /// The place of the first item with its key, unless this is it, and true if its payload is
    /// worth keeping should it be a repeat.
    fn meet(&mut self, event: &Event) -> (Option<i32>, bool) {
        let place = i32::try_from(self.is_first.len() + 1).unwrap_or(i32::MAX);
        match self.firsts.entry(event.dedupe_key) {
            Entry::Occupied(first) => {
                let (place, payload) = first.get();
                (Some(*place), event.payload != *payload)
            }
            Entry::Vacant(first) => {
                first.insert((place, event.payload.clone()));
                // The key of an unknown item is made from all of it.
                (None, event.kind != Kind::Unknown)
            }
        }
    }

    /// Whether something can be left out: of a delivery that is kept without its events, nothing.
    pub fn can_give_way(&self) -> bool {
        let refused = Some(Problem::Refused);
        self.shares.iter().any(|share| share.problem != refused)
    }

    /// Takes everything out; what held it is kept for what comes next, as far as that is usual.
    pub fn clear(&mut self) {
        self.deliveries.clear();
        self.items.clear();
        self.accounts.clear();
        self.times.clear();
        self.ids.clear();
        self.firsts.clear();
        self.is_first.clear();
        self.shares.clear();
        self.firsts.shrink_to(KEPT);
        self.is_first.shrink_to(KEPT);
    }

    /// When its deliveries were received.
    pub(super) fn times(&self) -> &[Timestamp] {
        &self.times
    }

    /// The accounts that it is for.
    pub(super) fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// Binds times, deliveries and items.
    pub(super) fn bind_to(&self, arguments: &mut PgArguments) -> Result<(), BoxDynError> {
        let values = self.deliveries.bytes() + self.items.bytes();
        arguments.reserve(ARGUMENTS, values + ARGUMENTS * HEAD);
        arguments.add(self.times.iter().min().map(|at| at.to_sqlx()))?;
        arguments.add(self.times.iter().max().map(|at| at.to_sqlx()))?;
        self.deliveries.bind_to(arguments)?;
        self.items.bind_to(arguments)
    }

    /// What became of each delivery, given which of the items were known before.
    pub(super) fn outcome(&self, known: &[bool]) -> Vec<Committed> {
        let mut fresh = self
            .is_first
            .iter()
            .zip(known)
            .map(|(first, known)| *first && !*known);
        let mut tell = |share: &Share| {
            let new = fresh.by_ref().take(share.items).filter(|new| *new).count();
            Committed {
                new,
                repeated: share.items - new + share.left_out,
                problem: share.problem,
            }
        };
        self.shares.iter().map(&mut tell).collect()
    }
}

impl Deliveries {
    fn push(&mut self, delivery: &Delivery) {
        self.id.push(delivery.id);
        self.received_at.push(delivery.received_at);
        self.app.push(&*delivery.app);
        self.object.push(delivery.object.as_deref());
        self.body.push(&*delivery.body);
        self.headers.push(&*delivery.headers);
        self.remote_addr.push(delivery.remote_addr);
        self.secret.push(&*delivery.secret);
        self.problem.push(delivery.problem.map(Problem::as_str));
        self.event_count
            .push(i32::try_from(delivery.event_count).unwrap_or(i32::MAX));
        self.source.push(delivery.source.as_str());
    }
}

impl Items {
    /// Adds `event` of the delivery at `place`.
    fn push(
        &mut self,
        event: &Event,
        source: Source,
        (repeat_of, keep): (Option<i32>, bool),
        place: i32,
    ) {
        self.delivery.push(place);
        self.repeat_of.push(repeat_of);
        self.keep.push(keep);
        self.occurred_at.push(event.occurred_at);
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
        self.payload.push(event.payload.as_deref());
        self.problem.push(event.problem.map(Problem::as_str));
        self.source.push(source.as_str());
        self.key.push(event.dedupe_key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_enormous_delivery_took_is_given_back() {
        let mut batch = Batch::default();
        for number in 0..100_000 {
            batch.firsts.insert(Uuid::from_u128(number), (1, None));
            batch.is_first.push(true);
        }
        batch.clear();
        assert!(batch.firsts.capacity() <= 2 * KEPT);
        assert!(batch.is_first.capacity() <= 2 * KEPT);
    }
}
