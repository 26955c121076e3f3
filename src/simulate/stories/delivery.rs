//! A delivery: items packed into entries and written like their sender writes them.

use std::ops::Range;

use bytes::Bytes;
use jiff::Timestamp;

use super::super::sender::Sender;
use crate::meta::event::{Channel, Kind};

/// Room for what surrounds the items of an entry.
const ENTRY: usize = 128;

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
        let time = time(self.sender, at.as_millisecond()).to_string();
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
}

/// One item and what its entry says of it.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) kind: Kind,
    pub(super) account_id: String,
    pub(super) channel: Channel,
    /// It happened in an earlier item already.
    pub(super) repeat: bool,
    /// When it happened, in milliseconds since 1970.
    pub(super) happened_at: i64,
    /// As its sender writes it.
    pub(super) written: Vec<u8>,
}

/// Packs items of one sender, one entry for each account and channel.
pub(super) fn pack(sender: Sender, at: i64, items: Vec<Item>) -> Delivery {
    let mut kinds = Counts::default();
    let (mut count, mut repeats, mut sent_at, mut length) = (0, 0, at, ENTRY);
    let mut entries: Vec<Vec<Item>> = Vec::with_capacity(1);
    for item in items {
        kinds.0[item.kind as usize] += 1;
        count += 1;
        repeats += u32::from(item.repeat);
        sent_at = sent_at.max(item.happened_at);
        length += item.written.len() + ENTRY;
        let of = |it: &Item| it.channel == item.channel && it.account_id == item.account_id;
        match entries
            .iter_mut()
            .find(|entry| entry.first().is_some_and(of))
        {
            Some(entry) => entry.push(item),
            None => entries.push(vec![item]),
        }
    }
    let mut body = Body {
        sender,
        time: time(sender, sent_at),
        out: Vec::with_capacity(length),
        sent_at: Vec::with_capacity(entries.len()),
    };
    body.notification(&entries);
    Delivery {
        body: body.out.into(),
        sender,
        items: count,
        repeats,
        kinds,
        sent_at: body.sent_at,
    }
}

/// A time of sending in the unit of its sender.
fn time(sender: Sender, ms: i64) -> i64 {
    match sender {
        Sender::Messaging => ms,
        Sender::Changes => ms.div_euclid(1000),
    }
}

/// A body as it is written.
struct Body {
    sender: Sender,
    time: i64,
    out: Vec<u8>,
    sent_at: Vec<Range<usize>>,
}

impl Body {
    fn notification(&mut self, entries: &[Vec<Item>]) {
        let (begin, end) = match self.sender {
            Sender::Messaging => (r#"{"object":"instagram","entry":["#, "]}"),
            Sender::Changes => (r#"{"entry": ["#, r#"], "object": "instagram"}"#),
        };
        self.put(begin);
        for (index, entry) in entries.iter().enumerate() {
            self.separate(index);
            self.entry(entry);
        }
        self.put(end);
    }

    fn entry(&mut self, items: &[Item]) {
        let Some(Item {
            account_id,
            channel,
            ..
        }) = items.first()
        else {
            return;
        };
        match self.sender {
            Sender::Messaging => {
                self.put(r#"{"time":"#);
                self.time();
                self.put(r#","id":""#);
                self.put(account_id);
                self.put(r#"",""#);
            }
            Sender::Changes => {
                self.put(r#"{"id": ""#);
                self.put(account_id);
                self.put(r#"", "time": "#);
                self.time();
                self.put(r#", ""#);
            }
        }
        self.put(channel.as_str());
        self.put("\"");
        self.put(self.sender.colon());
        self.put("[");
        for (index, item) in items.iter().enumerate() {
            self.separate(index);
            self.out.extend_from_slice(&item.written);
        }
        self.put("]}");
    }

    fn time(&mut self) {
        let begin = self.out.len();
        self.put(itoa::Buffer::new().format(self.time));
        self.sent_at.push(begin..self.out.len());
    }

    fn separate(&mut self, index: usize) {
        if index > 0 {
            self.put(self.sender.comma());
        }
    }

    fn put(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }
}
