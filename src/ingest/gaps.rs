//! Gaps in the deliveries of each app, found from their outcomes.
//!
//! A gap opens at the first delivery concerned and closes with the first delivery that went well. A
//! delivery costs one lock. The worker stores the gaps.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::{SignedDuration, Timestamp};

use super::{Failure, Outcome};
use crate::store::gaps::{Gap, GapCause};

/// Causes found from outcomes, with the time from which they are a gap.
const CAUSES: [(GapCause, SignedDuration); 3] = [
    (GapCause::Refusing, SignedDuration::from_mins(5)),
    (GapCause::Unable, SignedDuration::from_mins(1)),
    (GapCause::Spooling, SignedDuration::ZERO),
];

/// A gap that opens within this time after the last one continues it. Bounds the number of rows.
const CONTINUED: SignedDuration = SignedDuration::from_mins(1);

/// Outcome of a delivery, as far as it concerns gaps.
#[derive(Clone, Copy, Debug)]
pub struct Sighting {
    /// Receive time.
    pub at: Timestamp,
    /// Outcome.
    pub outcome: Outcome,
    /// True if the delivery is marked as simulated: it does not show that Meta's are accepted.
    pub is_simulated: bool,
    /// True if the delivery came from Meta's networks.
    pub is_from_meta: bool,
}

/// Gaps of all apps. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Gaps(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// Apps that are served.
    served: Vec<Arc<str>>,
    /// Time of the request to stop.
    stopped_at: Option<Timestamp>,
    /// A tracker for each of [`CAUSES`].
    trackers: BTreeMap<Arc<str>, [Tracker; 3]>,
}

/// Gaps of one app and cause.
#[derive(Debug, Default)]
struct Tracker {
    open: Option<Span>,
    /// The last closed gap.
    last: Option<Span>,
    /// Closed gaps that are not stored yet.
    unwritten: Vec<Span>,
}

/// Deliveries concerned, from the first one to the last one or to the end of the gap.
#[derive(Clone, Copy, Debug)]
struct Span {
    opened_at: Timestamp,
    last_at: Timestamp,
    is_written: bool,
}

impl Gaps {
    /// Sets the apps that are served.
    pub fn serve(&self, apps: Vec<Arc<str>>) {
        self.state().served = apps;
    }

    /// Apps that are served.
    pub fn served(&self) -> Vec<Arc<str>> {
        self.state().served.clone()
    }

    /// Notes the time of the request to stop.
    pub fn stop(&self, at: Timestamp) {
        self.state().stopped_at = Some(at);
    }

    /// Time of the request to stop.
    pub fn stopped_at(&self) -> Option<Timestamp> {
        self.state().stopped_at
    }

    /// Notes the outcome of a delivery to `app`.
    pub fn note(&self, app: &Arc<str>, seen: &Sighting) {
        let mut state = self.state();
        let trackers = state.trackers.entry(Arc::clone(app)).or_default();
        for ((cause, least), tracker) in CAUSES.into_iter().zip(trackers) {
            match concerns(cause, seen) {
                Some(true) => tracker.meet(seen.at),
                Some(false) => tracker.end(seen.at, least),
                None => {}
            }
        }
    }

    /// Notes that no delivery is in the spool any more.
    pub fn drained(&self, at: Timestamp) {
        for trackers in self.state().trackers.values_mut() {
            let [.., spooling] = trackers;
            spooling.end(at, SignedDuration::ZERO);
        }
    }

    /// True if deliveries of an app went into the spool last.
    pub fn is_spooling(&self) -> bool {
        let state = self.state();
        let mut all = state.trackers.values();
        all.any(|[.., spooling]| spooling.open.is_some())
    }

    /// Takes the gaps that opened or closed since the last call.
    pub fn take(&self) -> Vec<Gap> {
        let mut taken = Vec::new();
        for (app, trackers) in &mut self.state().trackers {
            for ((cause, least), tracker) in CAUSES.into_iter().zip(trackers) {
                let gap = |(opened_at, closed_at)| Gap {
                    app: app.as_ref().to_owned(),
                    cause,
                    opened_at,
                    closed_at,
                };
                taken.extend(tracker.take(least).into_iter().map(gap));
            }
        }
        taken
    }

    /// Puts back gaps that could not be stored.
    pub fn put_back(&self, gaps: Vec<Gap>) {
        let mut state = self.state();
        for gap in gaps {
            let place = CAUSES.iter().position(|(cause, _)| *cause == gap.cause);
            let trackers = state.trackers.get_mut(&*gap.app);
            let tracker = trackers.zip(place).map(|(trackers, at)| &mut trackers[at]);
            if let Some(tracker) = tracker {
                tracker.put_back(gap.opened_at, gap.closed_at);
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// True if the delivery is part of a gap with this cause, false if it ends the gap, and `None` if it
/// says nothing.
fn concerns(cause: GapCause, seen: &Sighting) -> Option<bool> {
    let is_taken = match seen.outcome {
        Outcome::Accepted { .. } | Outcome::Unreadable(_) | Outcome::Spooled => true,
        Outcome::Rejected(_) | Outcome::Failed(_) => false,
    };
    match (cause, seen.outcome) {
        (GapCause::Refusing, Outcome::Rejected(_)) => seen.is_from_meta.then_some(true),
        (GapCause::Refusing, _) => (is_taken && !seen.is_simulated).then_some(false),
        (
            GapCause::Unable,
            Outcome::Failed(Failure::StoreUnavailable | Failure::QueueFull | Failure::BodyBudget),
        )
        | (GapCause::Spooling, Outcome::Spooled) => Some(true),
        (GapCause::Unable | GapCause::Spooling, _) => is_taken.then_some(false),
        (GapCause::Down, _) => None,
    }
}

impl Tracker {
    fn meet(&mut self, at: Timestamp) {
        let continued = self
            .last
            .filter(|last| at.duration_since(last.last_at) < CONTINUED);
        let open = self.open.get_or_insert_with(|| Span {
            opened_at: continued.map_or(at, |last| last.opened_at),
            last_at: at,
            is_written: false,
        });
        open.last_at = open.last_at.max(at);
    }

    fn end(&mut self, at: Timestamp, least: SignedDuration) {
        let Some(open) = self.open.take().filter(|open| open.is_gap(least)) else {
            return;
        };
        let closed = Span {
            last_at: open.last_at.max(at),
            ..open
        };
        self.last = Some(closed);
        self.unwritten.push(closed);
    }

    /// Starts and ends of the gaps that opened or closed since the last call.
    fn take(&mut self, least: SignedDuration) -> Vec<(Timestamp, Option<Timestamp>)> {
        let closed = std::mem::take(&mut self.unwritten);
        let closed = closed
            .into_iter()
            .map(|it| (it.opened_at, Some(it.last_at)));
        let new = |open: &&mut Span| open.is_gap(least) && !open.is_written;
        let opened = self.open.as_mut().filter(new).map(|open| {
            open.is_written = true;
            (open.opened_at, None)
        });
        closed.chain(opened).collect()
    }

    fn put_back(&mut self, opened_at: Timestamp, closed_at: Option<Timestamp>) {
        match closed_at {
            Some(last_at) => self.unwritten.push(Span {
                opened_at,
                last_at,
                is_written: false,
            }),
            None => {
                if let Some(open) = self.open.as_mut().filter(|it| it.opened_at == opened_at) {
                    open.is_written = false;
                }
            }
        }
    }
}

impl Span {
    fn is_gap(&self, least: SignedDuration) -> bool {
        self.last_at.duration_since(self.opened_at) >= least
    }
}

#[cfg(test)]
mod tests;
