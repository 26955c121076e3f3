//! A delivery on its way into the database.

use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;

use crate::{
    envelope::Envelope,
    meta::event::{Event, Problem, Source},
};

/// A verified POST with its events, ready to be committed.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Id, arrival time, app, headers and address.
    pub envelope: Envelope,
    /// `object` of the notification.
    pub object: Option<ByteString>,
    /// Raw bytes exactly as received.
    pub body: Bytes,
    /// Name of the secret that matched.
    pub secret: Arc<str>,
    /// Problem found while parsing.
    pub problem: Option<Problem>,
    /// Origin: live, test, simulated, …
    pub source: Source,
    /// Number of items, repeats included.
    pub event_count: usize,
    /// Events of the items, one for each, repeats included; empty if Postgres refused the events.
    pub events: Vec<Event>,
}

/// Result of one committed delivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// Number of events that were not stored before.
    pub new: usize,
    /// Number of items whose event was already stored.
    pub repeated: usize,
    /// Problem found while parsing, or `refused` if Postgres refused the events.
    pub problem: Option<Problem>,
}

impl Delivery {
    /// Source of one event: a body may mix entries of the Test button with live entries.
    pub(super) fn source_of(&self, event: &Event) -> Source {
        match (self.source, event.is_test) {
            (Source::Live | Source::Test, true) => Source::Test,
            (Source::Live | Source::Test, false) => Source::Live,
            (other, _) => other,
        }
    }
}
