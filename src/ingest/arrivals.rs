//! Settled deliveries, for a display such as a terminal.

use std::sync::{
    Arc, OnceLock,
    mpsc::{Receiver, SyncSender, sync_channel},
};

use jiff::Timestamp;

use super::Outcome;
use crate::{meta::event::Kind, store::Delivery};

/// Arrivals that wait for a slow display; more are dropped.
const WAITING: usize = 4_096;

/// A delivery that was settled.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Time of arrival.
    pub at: Timestamp,
    /// The configured app.
    pub app: Arc<str>,
    /// Kinds and account of its items; none if its body was not read.
    pub items: Option<Items>,
    /// The result.
    pub outcome: Outcome,
}

/// Items of a delivery in short.
#[derive(Clone, Debug, Default)]
pub struct Items {
    /// The account of the first item, as a copy: a slice would keep the body in memory for as long as
    /// a terminal stops reading.
    pub account_id: Option<String>,
    /// Each kind with the number of its items, in the order of the body.
    pub kinds: Vec<(Kind, usize)>,
}

impl From<&Delivery> for Items {
    fn from(delivery: &Delivery) -> Self {
        let mut kinds: Vec<(Kind, usize)> = Vec::new();
        for event in &delivery.events {
            match kinds.iter_mut().find(|(kind, _)| *kind == event.kind) {
                Some((_, count)) => *count += 1,
                None => kinds.push((event.kind, 1)),
            }
        }
        let account_id = delivery
            .events
            .first()
            .and_then(|it| it.account_id.as_deref());
        Self {
            account_id: account_id.map(str::to_owned),
            kinds,
        }
    }
}

/// Sender of arrivals; costs nothing until somebody [follows](Self::follow).
#[derive(Debug, Default)]
pub struct Arrivals(OnceLock<SyncSender<Arrival>>);

impl Arrivals {
    /// The arrivals from now on. Only the first call gets any.
    pub fn follow(&self) -> Receiver<Arrival> {
        let (sender, receiver) = sync_channel(WAITING);
        let _ = self.0.set(sender);
        receiver
    }

    /// True if a display follows.
    pub fn are_followed(&self) -> bool {
        self.0.get().is_some()
    }

    /// Hands an arrival to the display, if there is one. A full or closed channel drops the arrival:
    /// no delivery waits for a terminal.
    pub fn show(&self, arrival: impl FnOnce() -> Arrival) {
        if let Some(display) = self.0.get() {
            let _ = display.try_send(arrival());
        }
    }
}
