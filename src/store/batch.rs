//! A batch of deliveries, laid out in columns for the commit statement while it is filled.

use std::collections::{HashMap, HashSet, hash_map::Entry};

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::{Arguments, error::BoxDynError, postgres::PgArguments};
use uuid::Uuid;

use super::{
    Committed, Delivery,
    accounts::Accounts,
    column::{Column, columns},
    headers::{self, HeaderSets},
    values::{Bool, Bytea, Id, Inet, Int4, Jsonb, Text, Timestamptz, kept},
};
use crate::meta::{
    event::{Event, Problem, Source},
    ids::Ids,
};

columns! {
    /// The deliveries, column by column.
    Deliveries from (it: &Delivery, set: i32, signature: Option<&[u8]>, first_item: Option<i32>) {
        id: Id = it.envelope.id,
        received_at: Timestamptz = it.envelope.received_at,
        app: Text = &*it.envelope.app,
        object: Text = it.object.as_deref(),
        body: Bytea = &*it.body,
        /// Index of the header set in [`HeaderSets`], from 1.
        header_set: Int4 = set,
        signature: Bytea = signature,
        remote_addr: Inet = it.envelope.remote_addr,
        secret: Text = &*it.secret,
        problem: Text = it.problem.map(Problem::as_str),
        event_count: Int4 = number(it.event_count),
        /// Index of the first item in [`Items`], from 1. Null without items.
        first_item: Int4 = first_item,
        source: Text = it.source.as_str(),
    }
}

columns! {
    /// The items of the deliveries, column by column.
    Items from (it: &Event, source: Source, repeat_of: Option<i32>, place: i32) {
        /// Index of the delivery in [`Deliveries`], from 1.
        delivery: Int4 = place,
        /// Index of the first item with the same key, from 1. Null for the first item itself, which
        /// becomes the event if its key is new.
        repeat_of: Int4 = repeat_of,
        occurred_at: Timestamptz = it.occurred_at,
        occurred_at_source: Text = it.occurred_at_source.as_str(),
        field: Text = it.field.as_deref(),
        kind: Text = it.kind.as_str(),
        channel: Text = it.channel.as_str(),
        account_id: Text = it.account_id.as_deref(),
        person_id: Text = it.person_id.as_deref(),
        sender_id: Text = it.sender_id.as_deref(),
        recipient_id: Text = it.recipient_id.as_deref(),
        username: Text = it.username.as_deref(),
        text: Text = it.text.as_deref(),
        is_echo: Bool = it.is_echo,
        is_self: Bool = it.is_self,
        data: Jsonb = it.data.as_deref(),
        item_start: Int4 = number(it.item_start),
        item_length: Int4 = number(it.item_length),
        problem: Text = it.problem.map(Problem::as_str),
        source: Text = source.as_str(),
        key: Id = it.dedupe_key,
    }
}

/// Converts a count or an index; bodies are too small for an overflow.
fn number(number: impl TryInto<i32>) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}

/// Capacity in items and deliveries that an emptied batch keeps: a single delivery may have had
/// hundreds of thousands of items.
const KEPT: usize = 4_096;

/// Number of arguments of the statement: the columns, four of accounts, and five single ones.
const ARGUMENTS: usize = Deliveries::COUNT + Items::COUNT + Ids::<()>::NAMES.len() + 9;

/// Bytes before the values of an argument: its length, and the array header.
const HEAD: usize = 24;

/// Deliveries and items of one commit statement.
#[derive(Debug, Default)]
pub struct Batch {
    deliveries: Deliveries,
    header_sets: HeaderSets,
    items: Items,
    /// Ids of the items, column by column.
    item_ids: Ids<Column<Text>>,
    accounts: Accounts,
    /// `received_at` of each delivery as Postgres stores it, including deliveries added twice.
    times: Vec<Timestamp>,
    ids: HashSet<Uuid>,
    /// Index of the first item with each key.
    firsts: HashMap<Uuid, i32>,
    /// True for each item that is the first with its key.
    is_first: Vec<bool>,
    shares: Vec<Share>,
}

/// The part of a batch that belongs to one delivery.
#[derive(Clone, Copy, Debug)]
struct Share {
    /// Number of items in [`Items`], following those of the delivery before.
    items: usize,
    /// Number of items that were not added because the delivery is already in the batch.
    left_out: usize,
    problem: Option<Problem>,
}

impl Batch {
    /// Makes a batch of `deliveries`.
    pub fn of(deliveries: &[Delivery]) -> Self {
        let mut batch = Self::default();
        for delivery in deliveries {
            batch.add(delivery);
        }
        batch
    }

    /// Adds a delivery. A delivery that is already in the batch adds no rows.
    pub fn add(&mut self, delivery: &Delivery) {
        self.times.push(kept(delivery.envelope.received_at));
        let (mut items, mut left_out) = (delivery.events.len(), 0);
        if self.ids.insert(delivery.envelope.id) {
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
        let (headers, signature) = headers::apart(&delivery.envelope.headers);
        let set = self.header_sets.place(headers);
        let signature = signature.as_ref().map(|it| &it[..]);
        let first_item = number(self.is_first.len() + 1);
        let first_item = (!delivery.events.is_empty()).then_some(first_item);
        self.deliveries.push(delivery, set, signature, first_item);
        let place = number(self.ids.len());
        for event in &delivery.events {
            let repeat_of = self.meet(event);
            self.is_first.push(repeat_of.is_none());
            let source = delivery.source_of(event);
            self.items.push(event, source, repeat_of, place);
            for (column, id) in self.item_ids.each_mut().zip(event.ids.each()) {
                column.push(id.as_deref());
            }
        }
        self.accounts.push(delivery);
    }

    /// Index of an earlier item with the same key; `None` if this item is the first.
    fn meet(&mut self, event: &Event) -> Option<i32> {
        let place = number(self.is_first.len() + 1);
        match self.firsts.entry(event.dedupe_key) {
            Entry::Occupied(first) => Some(*first.get()),
            Entry::Vacant(first) => {
                first.insert(place);
                None
            }
        }
    }

    /// True if at least one delivery still has events to drop.
    pub fn can_give_way(&self) -> bool {
        let refused = Some(Problem::Refused);
        self.shares.iter().any(|share| share.problem != refused)
    }

    /// Removes all deliveries. Keeps the allocated memory up to a limit.
    pub fn clear(&mut self) {
        self.deliveries.clear();
        self.header_sets.clear();
        self.items.clear();
        self.item_ids.each_mut().for_each(Column::clear);
        self.accounts.clear();
        self.times.clear();
        self.ids.clear();
        self.firsts.clear();
        self.is_first.clear();
        self.shares.clear();
        self.firsts.shrink_to(KEPT);
        self.is_first.shrink_to(KEPT);
    }

    /// `received_at` of each delivery.
    pub(super) fn times(&self) -> &[Timestamp] {
        &self.times
    }

    /// Accounts of the deliveries.
    pub(super) fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// Binds times, deliveries and items.
    pub(super) fn bind_to(&self, arguments: &mut PgArguments) -> Result<(), BoxDynError> {
        let ids: usize = self.item_ids.each().map(Column::bytes).sum();
        let values = self.deliveries.bytes() + self.items.bytes() + ids;
        arguments.reserve(ARGUMENTS, values + ARGUMENTS * HEAD);
        arguments.add(self.times.iter().min().map(|at| at.to_sqlx()))?;
        arguments.add(self.times.iter().max().map(|at| at.to_sqlx()))?;
        arguments.add(self.header_sets.all())?;
        self.deliveries.bind_to(arguments)?;
        self.items.bind_to(arguments)?;
        self.item_ids.each().try_for_each(|ids| arguments.add(ids))
    }

    /// Result of each delivery. `known` has a flag for each item, true if its event was stored
    /// before.
    pub(super) fn outcome(&self, known: &[bool]) -> Vec<Committed> {
        let mut fresh = self
            .is_first
            .iter()
            .zip(known)
            .map(|(first, known)| *first && !*known);
        let mut result = |share: &Share| {
            let new = fresh.by_ref().take(share.items).filter(|new| *new).count();
            Committed {
                new,
                repeated: share.items - new + share.left_out,
                problem: share.problem,
            }
        };
        self.shares.iter().map(&mut result).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_enormous_delivery_took_is_given_back() {
        let mut batch = Batch::default();
        for number in 0..100_000 {
            batch.firsts.insert(Uuid::from_u128(number), 1);
            batch.is_first.push(true);
        }
        batch.clear();
        assert!(batch.firsts.capacity() <= 2 * KEPT);
        assert!(batch.is_first.capacity() <= 2 * KEPT);
    }
}
