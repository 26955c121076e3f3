//! JSON of a plan.

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::query::{Digits, Groups, MOST_COUNTED, ReplayCounts};

/// Plan of a replay.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ReplayPlan")]
pub(super) struct Plan {
    /// Name of the consumer or destination.
    pub(super) to: String,
    /// Number of events, counted up to 1,000,000.
    pub(super) events: i64,
    /// True if there may be more events.
    more: bool,
    /// Events that the filter of the target leaves out.
    filtered: i64,
    /// Other events that are older than `max_age` of the target; 0 with `ignore_max_age`.
    too_old: i64,
    /// Time of receipt of the oldest event.
    first_at: Option<Timestamp>,
    /// Time of receipt of the newest event.
    last_at: Option<Timestamp>,
    /// End of the log: later events are not in the replay.
    #[schemars(with = "Digits")]
    through: String,
    kinds: Vec<GroupCount>,
    /// Days of receipt in UTC with most events, at most 31.
    days: Vec<GroupCount>,
    /// Number of other days.
    other_days: i64,
    /// Accounts with most events, at most ten. Null is for events without an account.
    accounts: Vec<GroupCount>,
    /// Number of other accounts.
    other_accounts: i64,
    /// Expected rate in events a second: `rate` of the request, else that of the target in the last
    /// minute; null if that is unknown.
    rate: Option<f64>,
    /// Expected duration in seconds; null if it is unknown.
    duration_s: Option<f64>,
    /// Number of a running replay of the same target, which is done first.
    waits_for: Option<i32>,
}

/// Number of the events of a kind, day or account.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ReplayGroup")]
struct GroupCount {
    name: Option<String>,
    events: i64,
}

impl Plan {
    /// Plan for events of the log up to `through`.
    pub(super) fn of(to: &str, counts: &ReplayCounts, through: i64) -> Self {
        let (days, other_days) = groups(&counts.days);
        let (accounts, other_accounts) = groups(&counts.accounts);
        Self {
            to: to.to_owned(),
            events: counts.events,
            more: counts.events >= i64::from(MOST_COUNTED),
            filtered: counts.filtered,
            too_old: counts.too_old,
            first_at: counts.times.map(|[first, _]| first),
            last_at: counts.times.map(|[_, last]| last),
            through: through.to_string(),
            kinds: groups(&counts.kinds).0,
            days,
            other_days,
            accounts,
            other_accounts,
            rate: None,
            duration_s: None,
            waits_for: None,
        }
    }

    /// Adds the expected rate, if it is known.
    pub(super) fn with_rate(mut self, rate: Option<f64>) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a million at most")]
        let events = self.events as f64;
        let duration = rate.map(|rate| events / rate);
        self.rate = rate;
        self.duration_s = duration.filter(|it| Duration::try_from_secs_f64(*it).is_ok());
        self
    }

    /// Adds a replay that is done first.
    pub(super) fn behind(self, waits_for: Option<i32>) -> Self {
        Self { waits_for, ..self }
    }
}

/// The most frequent values, and the number of the others.
fn groups(groups: &Groups) -> (Vec<GroupCount>, i64) {
    let counts = groups.most.iter().map(|(name, events)| GroupCount {
        name: name.clone(),
        events: *events,
    });
    let counts: Vec<_> = counts.collect();
    let shown = i64::try_from(counts.len()).unwrap_or(i64::MAX);
    (counts, groups.number - shown)
}
