//! Source: a place in the log, in the ring or behind the ring.

use jiff::Timestamp;
use tokio::sync::watch;

use super::{
    Hub,
    ring::{Next, Ring},
};
use crate::store::read::LogReader;

/// Reader of the log.
#[derive(Debug)]
pub(super) struct Source {
    ring: watch::Receiver<Ring>,
    /// Number of the log at the start.
    log: u64,
    pub(super) place: Place,
    /// Reader of the database while the place is behind the ring.
    pub(super) reader: Option<LogReader>,
}

/// Place in the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Everything up to this position was read.
    pub position: i64,
    /// Everything committed before this time was read, if known.
    pub caught_up_at: Option<Timestamp>,
}

impl Place {
    /// Goes on to `through`, with everything committed before `caught_up_at` read.
    pub(super) fn pass(&mut self, through: i64, caught_up_at: Option<Timestamp>) {
        self.position = self.position.max(through);
        self.caught_up_at = caught_up_at.or(self.caught_up_at);
    }
}

impl Source {
    pub(super) fn new(hub: &Hub, place: Place) -> Self {
        let ring = hub.0.ring.subscribe();
        let log = ring.borrow().log();
        Self {
            ring,
            log,
            place,
            reader: None,
        }
    }

    /// Finds the next events in the ring; `None` if another log began.
    pub(super) fn next(&mut self) -> Option<Next> {
        let next = {
            let ring = self.ring.borrow_and_update();
            (ring.log() == self.log).then(|| ring.next(self.place.position))?
        };
        if !matches!(next, Next::Behind(_)) {
            self.reader = None;
        }
        Some(next)
    }

    /// Waits until the ring has news.
    pub(super) async fn changed(&mut self) {
        // The sender lives as long as the hub.
        let _ = self.ring.changed().await;
    }
}
