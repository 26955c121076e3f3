//! Result of storing deliveries from quarantine.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::quarantine::Name;

/// Result of storing the deliveries of one app.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "RecheckResult")]
pub struct Rescued {
    /// Name of the app.
    pub app: String,
    /// Deliveries stored by this run.
    pub deliveries: u64,
    /// Deliveries that were already stored.
    pub stored_before: u64,
    /// New events of the stored deliveries.
    pub events: u64,
    /// Items whose event was already stored.
    pub repeated: u64,
    /// Deliveries that match no secret and stay in quarantine, including unreadable files.
    pub unopened: u64,
    /// Receive time of the first stored delivery, to the millisecond.
    pub first: Option<Timestamp>,
    /// Receive time of the last one.
    pub last: Option<Timestamp>,
}

/// Results by app.
#[derive(Debug, Default)]
pub(super) struct Sums(BTreeMap<Arc<str>, Rescued>);

impl Sums {
    /// Result of the app of a delivery.
    pub(super) fn of(&mut self, name: &Name) -> &mut Rescued {
        let sum = self.0.entry(Arc::clone(name.app())).or_default();
        sum.app = name.app().to_string();
        sum
    }

    pub(super) fn into_results(self) -> Vec<Rescued> {
        self.0.into_values().collect()
    }
}

impl Rescued {
    /// Adds the result of a later part of the same app.
    pub fn add(&mut self, later: &Self) {
        for (sum, number) in [
            (&mut self.deliveries, later.deliveries),
            (&mut self.stored_before, later.stored_before),
            (&mut self.events, later.events),
            (&mut self.repeated, later.repeated),
            (&mut self.unopened, later.unopened),
        ] {
            *sum = sum.saturating_add(number);
        }
        self.first = self.first.or(later.first);
        self.last = later.last.or(self.last);
    }

    /// Number of deliveries that were tried.
    pub fn tried(&self) -> u64 {
        let stored = self.deliveries.saturating_add(self.stored_before);
        stored.saturating_add(self.unopened)
    }

    /// Notes the time of a stored delivery.
    pub(super) fn note_stored(&mut self, name: &Name) {
        let at = name.received_at();
        self.first = self.first.min(Some(at)).or(Some(at));
        self.last = self.last.max(Some(at));
    }
}
