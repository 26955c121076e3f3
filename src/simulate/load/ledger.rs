//! The ledger: what was acked, so that an audit can look for each event in the database.
//!
//! One JSON object a line for each acked delivery. The events in it are those that the receiver
//! has to make of the body: they are read with the same [`split`], and a dedupe key here is the
//! one there. A second one holds what was signed wrongly, so that an audit can look for what must
//! not be there.

use std::{
    fmt,
    io::{self, BufWriter, Write},
};

use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::post::{Post, Sort};
use crate::meta::{
    event::Event,
    split::{self, Context},
};

/// Writes down what was acked, or what was forged.
pub struct Ledger {
    app: String,
    out: BufWriter<Box<dyn Write + Send>>,
    /// Why something is missing in it.
    fault: Option<io::Error>,
}

#[derive(Serialize)]
struct Line<'a> {
    /// The place of the delivery in the run, counted from 0.
    delivery: u64,
    app: &'a str,
    #[serde(flatten)]
    ack: Option<Ack>,
    events: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Ack {
    acked_at: Timestamp,
    /// Number of sends up to the ack.
    sends: u32,
    /// The acked delivery that it repeats.
    repeat_of: Option<u64>,
    /// True for a delivery with a wrong signature, which must not be acked.
    forged: bool,
    /// The SHA-256 of the body as the try that was acked sent it.
    body_sha256: String,
}

#[derive(Serialize)]
struct Item<'a> {
    kind: &'static str,
    account_id: Option<&'a str>,
    /// The id that Meta gave it: of the message, the comment or the media.
    id: Option<&'a str>,
    dedupe_key: Uuid,
}

impl Ledger {
    /// A ledger of what `app` acks, or must not take; the app is part of every dedupe key.
    pub fn new(app: impl Into<String>, out: impl Write + Send + 'static) -> Self {
        Self {
            app: app.into(),
            out: BufWriter::new(Box::new(out)),
            fault: None,
        }
    }

    /// Writes down a delivery that was acked.
    pub(super) fn acked(&mut self, post: &Post, now: Timestamp) {
        let ack = Ack {
            acked_at: now,
            sends: post.tries,
            repeat_of: match post.sort {
                Sort::Repeat(number) => Some(number),
                Sort::New | Sort::Forged => None,
            },
            forged: post.sort == Sort::Forged,
            body_sha256: hex::encode(Sha256::digest(&post.body)),
        };
        self.write(post, Some(ack), now);
    }

    /// Writes down a delivery with a wrong signature. It is to be called before the delivery is
    /// sent: the answer may be lost, and nothing of it may be stored all the same.
    pub(super) fn forged(&mut self, post: &Post, now: Timestamp) {
        self.write(post, None, now);
    }

    fn write(&mut self, post: &Post, ack: Option<Ack>, now: Timestamp) {
        let context = Context {
            app: &self.app,
            received_at: now,
        };
        let events = split::split(&post.body, context).events;
        let line = Line {
            delivery: post.number,
            app: &self.app,
            ack,
            events: events.iter().map(item).collect(),
        };
        let written = serde_json::to_writer(&mut self.out, &line).map_err(io::Error::from);
        if let Err(error) = written.and_then(|()| self.out.write_all(b"\n")) {
            self.fault.get_or_insert(error);
        }
    }

    /// Hands everything to the system. What could not be written before is an error, too.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.fault.take().map_or_else(|| self.out.flush(), Err)
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").finish_non_exhaustive()
    }
}

fn item(event: &Event) -> Item<'_> {
    let ids = [
        &event.ids.message_id,
        &event.ids.comment_id,
        &event.ids.media_id,
    ];
    Item {
        kind: event.kind.as_str(),
        account_id: event.account_id.as_deref(),
        id: ids.into_iter().find_map(|id| id.as_deref()),
        dedupe_key: event.dedupe_key,
    }
}
