//! A delivery: items packed into entries and written like their sender writes them.

use std::ops::Range;

use bytes::Bytes;
use jiff::Timestamp;

use super::super::{
    envelope::{
        changes_entry, changes_notification, messaging_entry, messaging_notification, standby_entry,
    },
    json::Value,
    serialise::Sender,
};
use crate::meta::event::Kind;

/// One body to sign and send, and what a receiver must make of it.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The bytes to sign and send.
    pub body: Bytes,
    /// Which of Meta's senders it is written like.
    pub sender: Sender,
    /// How many items it holds.
    pub items: u32,
    /// How many of them tell of something that this stream has told before: the second item of an
    /// ad pair. The others are events of their own.
    pub repeats: u32,
    /// The items by kind, repeats among them.
    pub kinds: Counts,
    sent_at: Vec<Range<usize>>,
}

impl Delivery {
    /// The body as another try sends it at `at`: the time of sending in each entry is new, and with
    /// it the signature; all else stays byte for byte.
    pub fn sent_again(&self, at: Timestamp) -> Bytes {
        let time = match self.sender {
            Sender::Messaging => at.as_millisecond(),
            Sender::Changes => at.as_second(),
        };
        let time = time.to_string();
        let mut body = Vec::with_capacity(self.body.len());
        let mut rest = 0;
        for range in &self.sent_at {
            body.extend_from_slice(&self.body[rest..range.start]);
            body.extend_from_slice(time.as_bytes());
            rest = range.end;
        }
        body.extend_from_slice(&self.body[rest..]);
        body.into()
    }
}

/// How many items there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts([u16; Kind::ALL.len()]);

impl Counts {
    /// How many there are of `kind`.
    pub fn get(&self, kind: Kind) -> u32 {
        self.0[kind as usize].into()
    }

    /// The kinds of which there are any, in the order of the documentation.
    pub fn iter(&self) -> impl Iterator<Item = (Kind, u32)> + '_ {
        let all = Kind::ALL.iter().map(|kind| (*kind, self.get(*kind)));
        all.filter(|(_, count)| *count > 0)
    }

    fn add(&mut self, kind: Kind) {
        self.0[kind as usize] += 1;
    }
}

/// One item and what its entry says of it.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) kind: Kind,
    pub(super) account_id: String,
    /// Another app holds the conversation.
    pub(super) standby: bool,
    /// It happened in an earlier item already.
    pub(super) repeat: bool,
    /// When it happened, in milliseconds since 1970.
    pub(super) happened_at: i64,
    /// As its sender writes it.
    pub(super) written: Vec<u8>,
}

/// The items of one entry.
struct Group {
    account_id: String,
    standby: bool,
    items: Vec<Value<'static>>,
}

/// Packs items of one sender, one entry for each account and container.
pub(super) fn pack(sender: Sender, at: i64, items: Vec<Item>) -> Delivery {
    let mut kinds = Counts::default();
    let (mut count, mut repeats, mut sent_at) = (0, 0, at);
    let mut groups: Vec<Group> = Vec::with_capacity(1);
    for item in items {
        kinds.add(item.kind);
        count += 1;
        repeats += u32::from(item.repeat);
        sent_at = sent_at.max(item.happened_at);
        put(&mut groups, item);
    }
    let (body, sent_at) = sender.write_and_note(&notification(sender, sent_at, groups));
    Delivery {
        body: body.into(),
        sender,
        items: count,
        repeats,
        kinds,
        sent_at,
    }
}

fn put(groups: &mut Vec<Group>, item: Item) {
    let same =
        |group: &&mut Group| group.standby == item.standby && group.account_id == item.account_id;
    let written = Value::Written(item.written);
    match groups.iter_mut().find(same) {
        Some(group) => group.items.push(written),
        None => groups.push(Group {
            account_id: item.account_id,
            standby: item.standby,
            items: vec![written],
        }),
    }
}

fn notification(sender: Sender, sent_at: i64, groups: Vec<Group>) -> Value<'static> {
    let entry = |group: Group| {
        let write = match sender {
            Sender::Changes => changes_entry,
            Sender::Messaging if group.standby => standby_entry,
            Sender::Messaging => messaging_entry,
        };
        write(group.account_id, sent_at, group.items)
    };
    let entries = groups.into_iter().map(entry).collect();
    let object = Value::lent("instagram");
    match sender {
        Sender::Changes => changes_notification(object, entries),
        Sender::Messaging => messaging_notification(object, entries),
    }
}
