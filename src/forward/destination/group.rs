//! Events that one request has: an event, and in Meta's form the events of its delivery and lane.

use std::time::Duration;

use jiff::Timestamp;

use crate::forward::{
    consumer::{HandedOut, Verb},
    lanes::Code,
};

/// Events of one request, under the lease of the first one.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// Token of the lease.
    pub lease: String,
    /// Position of the first event.
    pub position: i64,
    /// Position of the last event, if there are several.
    pub last: Option<i64>,
    /// Time of receipt.
    pub received_at: Timestamp,
    /// Attempt, counted from one.
    pub attempt: u32,
    /// Time since the first failed attempt.
    pub failed_for: Duration,
    /// Code of the last failure.
    pub code: Option<Code>,
}

impl Group {
    /// The group of one event.
    pub fn of(event: &HandedOut) -> Self {
        Self {
            lease: event.lease.clone(),
            position: event.event.position,
            last: None,
            received_at: event.event.received_at,
            attempt: event.attempt,
            failed_for: event.failed_for.unwrap_or_default(),
            code: event.code.clone(),
        }
    }

    /// Settlement of a group that the destination has.
    pub fn done(&self) -> Verb {
        self.last.map_or(Verb::Ack, Verb::AckThrough)
    }
}
