//! Counts of requests that were not stored, in memory until they are written to Postgres.
//! Deliveries with an invalid signature may be quarantined as well.
//!
//! The counts are bounded: each hour, app and reason has a limited number of networks, and all
//! other networks share one row. A flood of forged deliveries costs an addition each and no row of
//! its own.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use ipnet::IpNet;
use jiff::{Timestamp, Unit};

use super::Refusal;
use crate::{
    clock::Clock,
    meta::networks::{is_metas, network},
    quarantine::{self, Quarantine},
    store::rejections::Count,
};

/// App column of requests whose path names no configured app. No app can have this name.
const NO_APP: &str = "-";

/// Maximum number of rows between two writes. Further requests are counted without their network.
const ROWS: usize = 1_000;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Row {
    hour: Timestamp,
    app: String,
    reason: &'static str,
    prefix: Option<IpNet>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    count: i64,
    last_at: Timestamp,
    proxy_header: Option<&'static str>,
}

/// Counts since the last [`take`](Self::take). Clones share them.
#[derive(Clone, Debug)]
pub struct Tally {
    rows: Arc<Mutex<HashMap<Row, Seen>>>,
    clock: Clock,
    quarantine: Option<Quarantine>,
}

impl Tally {
    /// An empty tally.
    pub fn new(clock: Clock) -> Self {
        Self {
            rows: Arc::default(),
            clock,
            quarantine: None,
        }
    }

    /// Quarantines deliveries with an invalid signature in `quarantine`.
    #[must_use]
    pub fn with_quarantine(self, quarantine: Quarantine) -> Self {
        let quarantine = Some(quarantine);
        Self { quarantine, ..self }
    }

    /// Quarantines a delivery of about `bytes`, sent `from` an address. `record` copies the
    /// delivery. Never waits.
    pub fn quarantine(
        &self,
        from: Option<IpAddr>,
        bytes: usize,
        record: impl FnOnce() -> quarantine::Record,
    ) {
        if let (Some(quarantine), Some(from)) = (&self.quarantine, from) {
            quarantine.offer(from, bytes, record);
        }
    }

    /// Takes the counts since the last call.
    pub fn take(&self) -> Vec<Count> {
        let rows = std::mem::take(&mut *self.rows.lock().unwrap_or_else(PoisonError::into_inner));
        rows.into_iter()
            .map(|(row, seen)| row.counted(seen))
            .collect()
    }

    /// Puts back counts that could not be written.
    pub fn put_back(&self, counts: Vec<Count>) {
        for count in counts {
            let prefix = count.prefix.and_then(|prefix| prefix.parse().ok());
            let row = Row {
                hour: count.hour,
                app: count.app,
                reason: count.reason,
                prefix,
            };
            self.add(
                row,
                Seen {
                    count: count.count,
                    last_at: count.last_at,
                    proxy_header: count.proxy_header,
                },
            );
        }
    }

    /// Counts a request with an unknown path. The path is a stranger's text, and stored nowhere.
    pub fn count_unknown(&self, reason: Refusal, from: Option<IpAddr>) {
        self.count(NO_APP, reason, from);
    }

    /// Counts a delivery to `app` that was not stored.
    pub fn count(&self, app: &str, reason: impl Into<Refusal>, from: Option<IpAddr>) {
        self.count_behind(None, app, reason, from);
    }

    /// Counts a delivery that was not stored, and notes the header that reveals a proxy.
    pub fn count_behind(
        &self,
        proxy_header: Option<&'static str>,
        app: &str,
        reason: impl Into<Refusal>,
        from: Option<IpAddr>,
    ) {
        let reason = reason.into();
        let now = self.clock.now();
        let hour = now.round(hour_floor()).unwrap_or(now);
        let row = Row {
            hour,
            app: app.to_owned(),
            reason: reason.code(),
            prefix: from
                .and_then(network)
                .filter(|network| has_row(reason, network)),
        };
        self.add(
            row,
            Seen {
                count: 1,
                last_at: now,
                proxy_header,
            },
        );
    }

    fn add(&self, mut row: Row, seen: Seen) {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if rows.len() >= ROWS && !rows.contains_key(&row) {
            row.prefix = None;
        }
        let known = rows.entry(row).or_insert(Seen { count: 0, ..seen });
        known.count += seen.count;
        known.last_at = known.last_at.max(seen.last_at);
        known.proxy_header = seen.proxy_header.or(known.proxy_header);
    }
}

impl Row {
    fn counted(self, seen: Seen) -> Count {
        Count {
            hour: self.hour,
            app: self.app,
            reason: self.reason,
            prefix: self.prefix.map(|prefix| prefix.to_string()),
            count: seen.count,
            last_at: seen.last_at,
            proxy_header: seen.proxy_header,
        }
    }
}

/// True if `network` gets a row. Unknown paths are probed from everywhere and would use up the rows
/// of the hour. An unknown path requested by Meta is a callback URL with a typo.
fn has_row(reason: Refusal, network: &IpNet) -> bool {
    match reason {
        Refusal::Rejected(_) | Refusal::Failed(_) => true,
        Refusal::UnknownApp | Refusal::UnknownPath => is_metas(network),
    }
}

fn hour_floor() -> jiff::TimestampRound {
    jiff::TimestampRound::new()
        .smallest(Unit::Hour)
        .mode(jiff::RoundMode::Floor)
}

#[cfg(test)]
mod tests {
    use super::super::{Failure, Rejection};
    use super::*;

    fn tally() -> Tally {
        Tally::new(Clock::manual("2026-11-20T12:34:56Z".parse().unwrap()).0)
    }

    fn from(address: &str) -> IpAddr {
        address.parse().unwrap()
    }

    #[test]
    fn neighbours_count_as_one() {
        let tally = tally();
        for address in [
            "198.51.100.7",
            "198.51.100.200",
            "2001:db8:1:2::3",
            "2001:db8:1:ffff::",
        ] {
            tally.count("default", Rejection::SignatureMismatch, Some(from(address)));
        }
        let mut counts = tally.take();
        counts.sort_by(|left, right| left.prefix.cmp(&right.prefix));
        let prefixes: Vec<_> = counts
            .iter()
            .map(|count| count.prefix.clone().unwrap())
            .collect();
        assert_eq!(prefixes, ["198.51.100.0/24", "2001:db8:1::/48"]);
        assert!(counts.iter().all(|count| count.count == 2));
        assert_eq!(counts[0].hour, "2026-11-20T12:00:00Z".parse().unwrap());
        assert!(tally.take().is_empty());
    }

    #[test]
    fn a_flood_from_everywhere_stays_bounded_and_counted() {
        let tally = tally();
        for number in 0..10_000_u32 {
            let address = IpAddr::from((number << 8).to_be_bytes());
            tally.count("default", Rejection::SignatureMissing, Some(address));
        }
        let counts = tally.take();
        assert_eq!(counts.len(), ROWS + 1);
        assert_eq!(counts.iter().map(|count| count.count).sum::<i64>(), 10_000);
    }

    #[test]
    fn paths_that_lead_nowhere_have_a_row_for_meta_and_one_for_all_others() {
        let tally = tally();
        for number in 0..10_000_u32 {
            let address = IpAddr::from((number << 8).to_be_bytes());
            tally.count_unknown(Refusal::UnknownPath, Some(address));
        }
        tally.count_unknown(Refusal::UnknownPath, Some(from("157.240.1.1")));
        tally.count("default", Refusal::Failed(Failure::BodyBudget), None);
        let mut counts = tally.take();
        counts.sort_by_key(|count| count.count);
        let rows: Vec<_> = counts
            .iter()
            .map(|row| (&*row.app, row.reason, row.prefix.as_deref(), row.count))
            .collect();
        let expected = [
            ("-", "unknown_path", Some("157.240.1.0/24"), 1),
            ("-", "unknown_path", None, 10_000),
        ];
        assert_eq!(rows.len(), 3);
        assert!(expected.iter().all(|row| rows.contains(row)), "{rows:?}");
        assert!(
            rows.contains(&("default", "body_budget", None, 1)),
            "{rows:?}"
        );
    }

    #[test]
    fn what_could_not_be_written_is_not_lost() {
        let tally = tally();
        tally.count(
            "default",
            Rejection::BodyTooLarge,
            Some(from("198.51.100.7")),
        );
        tally.put_back(tally.take());
        tally.count(
            "default",
            Rejection::BodyTooLarge,
            Some(from("198.51.100.8")),
        );
        assert_eq!(
            tally
                .take()
                .iter()
                .map(|count| count.count)
                .collect::<Vec<_>>(),
            [2]
        );
    }
}
