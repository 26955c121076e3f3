//! A delivery: items packed into entries and written like their sender writes them.

use std::ops::Range;

use bytes::Bytes;
use jiff::Timestamp;

use super::{
    super::sender::Sender,
    scenario::{About, Step},
};
use crate::meta::event::{Channel, Kind};

/// Room for a body of one item.
const ROOM: usize = 1024;

/// Body to sign and send, with the expected kinds.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The bytes to sign and send.
    pub body: Bytes,
    /// Sender whose serializer wrote the body.
    pub sender: Sender,
    /// The kind of each item.
    pub kinds: Vec<Kind>,
    /// Number of items that repeat an event of this stream: the second item of an ad pair.
    pub repeats: u64,
    sent_at: Vec<Range<usize>>,
}

impl Delivery {
    /// The body as another try sends it at `at`: the time of sending in each entry is new, and with
    /// it the signature; all else stays byte for byte.
    pub fn sent_again(&self, at: Timestamp) -> Bytes {
        let time = self.sender.time(at.as_millisecond()).to_string();
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

/// A delivery while it is written.
#[derive(Debug)]
pub(super) struct Draft {
    sender: Sender,
    /// When it is sent, in the unit of its sender.
    time: i64,
    out: Vec<u8>,
    kinds: Vec<Kind>,
    repeats: u64,
    sent_at: Vec<Range<usize>>,
    /// The entry that is open: its channel, and where its account stands.
    entry: Option<(Channel, Range<usize>)>,
}

impl Draft {
    /// A delivery sent at `at`, in milliseconds since 1970, without any item.
    pub(super) fn new(sender: Sender, at: i64) -> Self {
        Self {
            sender,
            time: sender.time(at),
            out: Vec::with_capacity(ROOM),
            kinds: Vec::with_capacity(1),
            repeats: 0,
            sent_at: Vec::with_capacity(1),
            entry: None,
        }
    }

    /// Room for one more item of this account and channel: in the entry of the item before, if that
    /// is theirs too.
    pub(super) fn item(&mut self, account: &str, channel: Channel, step: &Step) -> &mut Vec<u8> {
        let is_open = self.entry.as_ref().is_some_and(|(open, id)| {
            *open == channel && self.out[id.clone()] == *account.as_bytes()
        });
        if is_open {
            self.put(self.sender.comma());
        } else {
            self.open_entry(account, channel);
        }
        self.kinds.push(step.kind());
        self.repeats += u64::from(step.about == About::Same);
        &mut self.out
    }

    /// The whole delivery.
    pub(super) fn finish(mut self) -> Delivery {
        self.put(match self.sender {
            Sender::Messaging => "]}]}",
            Sender::Changes => r#"]}], "object": "instagram"}"#,
        });
        Delivery {
            body: self.out.into(),
            sender: self.sender,
            kinds: self.kinds,
            repeats: self.repeats,
            sent_at: self.sent_at,
        }
    }

    fn open_entry(&mut self, account: &str, channel: Channel) {
        self.put(match (&self.entry, self.sender) {
            (None, Sender::Messaging) => r#"{"object":"instagram","entry":["#,
            (None, Sender::Changes) => r#"{"entry": ["#,
            (Some(_), Sender::Messaging) => "]},",
            (Some(_), Sender::Changes) => "]}, ",
        });
        let id = match self.sender {
            Sender::Messaging => {
                self.put(r#"{"time":"#);
                self.time();
                self.put(r#","id":""#);
                let id = self.put(account);
                self.put(r#"",""#);
                id
            }
            Sender::Changes => {
                self.put(r#"{"id": ""#);
                let id = self.put(account);
                self.put(r#"", "time": "#);
                self.time();
                self.put(r#", ""#);
                id
            }
        };
        self.entry = Some((channel, id));
        self.put(channel.as_str());
        self.put("\"");
        self.put(self.sender.colon());
        self.put("[");
    }

    fn time(&mut self) {
        let place = self.put(itoa::Buffer::new().format(self.time));
        self.sent_at.push(place);
    }

    /// Writes a text; says where it stands.
    fn put(&mut self, text: &str) -> Range<usize> {
        let begin = self.out.len();
        self.out.extend_from_slice(text.as_bytes());
        begin..self.out.len()
    }
}
