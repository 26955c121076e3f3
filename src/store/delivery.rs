//! A delivery on its way into the database.

use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;

use crate::{
    envelope::Envelope,
    meta::event::{Event, Problem, Source},
};

/// One verified POST with its events, ready to be committed.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Identity and origin.
    pub envelope: Envelope,
    /// `object` of its notification.
    pub object: Option<ByteString>,
    /// The bytes exactly as received.
    pub body: Bytes,
    /// The name of the secret that matched.
    pub secret: Arc<str>,
    /// What could not be read as it came.
    pub problem: Option<Problem>,
    /// Who made it.
    pub source: Source,
    /// The number of its items, repeats included.
    pub event_count: usize,
    /// Its items, one event each, repeats included; none where Postgres refused them.
    pub events: Vec<Event>,
}

/// What became of one delivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// Events that were not stored before.
    pub new: usize,
    /// Items whose event was stored already.
    pub repeated: usize,
    /// What could not be read, or that Postgres refused its events.
    pub problem: Option<Problem>,
}

impl Delivery {
    /// The source of one of its events: the Test button may stand beside live entries in a body.
    pub(super) fn source_of(&self, event: &Event) -> Source {
        match (self.source, event.is_test) {
            (Source::Live | Source::Test, true) => Source::Test,
            (Source::Live | Source::Test, false) => Source::Live,
            (other, _) => other,
        }
    }
}
