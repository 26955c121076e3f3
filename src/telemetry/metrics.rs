//! The catalogue of metrics, and their exposition for Prometheus.
//!
//! A label takes its values from a closed set or from the configuration, never from a delivery.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use metrics::{Counter, Gauge, Histogram, Label, SharedString};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use super::{error::Error, samples::Samples};

/// Type of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Value that only grows.
    Counter,
    /// Value that goes up and down.
    Gauge,
    /// Counts by bucket.
    Histogram,
}

/// Entry of the catalogue.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Name in Prometheus.
    pub name: &'static str,
    /// Type of the metric.
    pub kind: MetricKind,
    /// Names of the labels.
    pub labels: &'static [&'static str],
    /// Description in one sentence.
    pub meaning: &'static str,
}

macro_rules! catalogue {
    ($($(#[$doc:meta])* $ident:ident = $kind:ident $name:literal [$($label:literal),*] $meaning:literal;)+) => {
        $($(#[$doc])* #[doc = $meaning] pub const $ident: Metric = Metric {
            name: $name,
            kind: MetricKind::$kind,
            labels: &[$($label),*],
            meaning: $meaning,
        };)+

        /// All metrics, in the order of the documentation.
        pub const CATALOGUE: &[Metric] = &[$($ident),+];
    };
}

catalogue! {
    DELIVERIES = Counter "hookshelf_deliveries_total" ["app", "outcome", "reason", "source"]
        "Deliveries by outcome.";
    DELIVERY_BYTES = Counter "hookshelf_delivery_bytes_total" ["app"]
        "Bytes of delivery bodies read.";
    DELIVERY_DURATION = Histogram "hookshelf_delivery_duration_seconds" ["outcome"]
        "Seconds from request head to outcome.";
    EVENTS = Counter "hookshelf_events_total" ["app", "seen"]
        "Committed items: new or repeated.";
    SIGNATURES = Counter "hookshelf_signatures_total" ["app", "secret"]
        "Valid signatures, by the name of the secret that made them.";
    CHALLENGES = Counter "hookshelf_challenges_total" ["app", "answer"]
        "Challenges by answer: echoed, incomplete, mode, token, or checked (sent by hookshelf doctor).";
    UNKNOWN_APPS = Counter "hookshelf_unknown_apps_total" []
        "Requests for an app that is not configured.";
    UNKNOWN_PATHS = Counter "hookshelf_unknown_paths_total" []
        "Requests for a path that is not served.";
    CONNECTIONS = Gauge "hookshelf_connections" ["listener"]
        "Open connections.";
    CONNECTIONS_REFUSED = Counter "hookshelf_connections_refused_total" ["listener"]
        "Connections closed at once because of the limit.";
    CONNECTIONS_CLOSED = Counter "hookshelf_connections_closed_total" ["listener", "reason"]
        "Closed connections, by reason.";
    BODY_BYTES = Gauge "hookshelf_body_bytes" []
        "Bytes of bodies in memory, out of `http.body_budget_bytes`.";
    PANICS = Counter "hookshelf_panics_total" ["listener"]
        "Panics in requests, answered with 500.";
    RELOADS = Counter "hookshelf_reloads_total" ["result"]
        "Reloads by result: swapped, or kept if the new configuration has a fault.";
    REJECTIONS_HELD = Counter "hookshelf_rejections_held_total" ["from"]
        "Deliveries quarantined for their signature, from Meta's networks (meta) or elsewhere.";
    REJECTIONS_NOT_HELD = Counter "hookshelf_rejections_not_held_total" ["reason"]
        "Deliveries not quarantined, by reason.";
    HELD_REJECTIONS = Gauge "hookshelf_held_rejections" ["from"]
        "Deliveries in quarantine.";
    HELD_BYTES = Gauge "hookshelf_held_rejection_bytes" ["from"]
        "Bytes of disk used by the quarantine.";
    COMMIT_FAILURES = Counter "hookshelf_commit_failures_total" ["code"]
        "Failed commits, by code.";
    SPOOL_REFUSALS = Counter "hookshelf_spool_refusals_total" ["code"]
        "Deliveries that the spool refused, by code.";
    SPOOL_RECORDS = Gauge "hookshelf_spool_records" []
        "Deliveries waiting in the spool.";
    SPOOL_BYTES = Gauge "hookshelf_spool_bytes" []
        "Bytes of the spool, counted against `spool.max_bytes`.";
    SPOOL_MAX_BYTES = Gauge "hookshelf_spool_max_bytes" []
        "The value of `spool.max_bytes`.";
    SPOOL_RESERVED_BYTES = Gauge "hookshelf_spool_reserved_bytes" []
        "Bytes of disk reserved for the spool now.";
    SPOOL_OLDEST_SECONDS = Gauge "hookshelf_spool_oldest_seconds" []
        "Age of the oldest delivery in the spool; 0 if empty.";
    SPOOL_FILES_SET_ASIDE = Gauge "hookshelf_spool_files_set_aside" []
        "Spool files that were set aside and still exist.";
    SPOOL_RECORDS_SET_ASIDE = Gauge "hookshelf_spool_records_set_aside" []
        "Unreadable spool records found by this process.";
    SPOOL_TAKES = Gauge "hookshelf_spool_takes" []
        "1 if the spool accepts deliveries, else 0.";
    SPOOL_DRAINED = Counter "hookshelf_spool_drained_total" []
        "Deliveries drained from the spool into Postgres.";
    UPKEEP_FAILURES = Counter "hookshelf_upkeep_failures_total" ["part"]
        "Failed maintenance, by part: tables (partitions, dedupe window), rejections, callbacks, gaps or attempts.";
    FOLLOWER_LAG_POSITIONS = Gauge "hookshelf_follower_lag_positions" ["follower"]
        "Positions up to the end of the log, gaps included.";
    FOLLOWER_LAG_SECONDS = Gauge "hookshelf_follower_lag_seconds" ["follower"]
        "Seconds since the follower was up to date.";
    FOLLOWER_FAILURES = Counter "hookshelf_follower_failures_total" ["follower"]
        "Failures of a follower.";
    WAKES = Counter "hookshelf_wakes_total" ["by"]
        "Wakes that found new positions, by commit (of this server), poll (commit of another process) or fallback (once a second).";
    WAKE_POLL_FAILS = Gauge "hookshelf_wake_poll_fails" []
        "1 if the poll for commits of other processes fails and only the fallback finds them, else 0.";
    CONSUMER_OWNED = Gauge "hookshelf_consumer_owned" ["consumer"]
        "1 if this process delivers the events of the consumer, else 0.";
    CONSUMER_LAG_POSITIONS = Gauge "hookshelf_consumer_lag_positions" ["consumer"]
        "Positions from the last position read to the end of the log, gaps included.";
    CONSUMER_LAG_SECONDS = Gauge "hookshelf_consumer_lag_seconds" ["consumer"]
        "Age of the oldest unsettled event; 0 if all events are settled.";
    CONSUMER_IN_FLIGHT = Gauge "hookshelf_consumer_in_flight" ["consumer"]
        "Events that workers hold.";
    CONSUMER_WAITING_LANES = Gauge "hookshelf_consumer_waiting_lanes" ["consumer"]
        "Lanes with a failed head.";
    CONSUMER_BLOCKED = Gauge "hookshelf_consumer_blocked" ["consumer"]
        "1 if too many lanes wait and further lanes are held back, else 0.";
    CONSUMER_REPLAY_LEFT = Gauge "hookshelf_consumer_replay_events_left" ["consumer"]
        "Events of the running replay that are neither settled nor skipped.";
    CONSUMER_PAUSED = Gauge "hookshelf_consumer_paused" ["consumer", "reason"]
        "1 if the consumer is paused for the reason, else 0.";
    CONSUMER_HAND_OUTS = Counter "hookshelf_consumer_hand_outs_total" ["consumer", "attempt"]
        "Events handed out, for the first time or again.";
    CONSUMER_SETTLES = Counter "hookshelf_consumer_settles_total" ["consumer", "answer"]
        "Settlements by answer.";
    CONSUMER_SKIPPED = Counter "hookshelf_consumer_skipped_total" ["consumer", "reason"]
        "Skipped events by reason.";
    CONSUMER_DEAD_LETTERS = Counter "hookshelf_consumer_dead_letters_total" ["consumer"]
        "Events that became dead letters.";
    CONSUMER_FAILURES = Counter "hookshelf_consumer_failures_total" ["consumer"]
        "Failures to read events or to write progress.";
    CONSUMER_FLUSH_DURATION = Histogram "hookshelf_consumer_flush_duration_seconds" ["consumer"]
        "Seconds to write the progress of a consumer.";
    OLDEST_TRANSACTION_SECONDS = Gauge "hookshelf_oldest_transaction_seconds" ["holder"]
        "Age of the oldest open transaction of another client, by holder; 0 if there is none, or if its holder has no time.";
    OLDEST_TRANSACTION_BEHIND = Gauge "hookshelf_oldest_transaction_behind" ["holder"]
        "Transactions since the oldest open transaction of another client, by holder; 0 if there is none.";
    DESTINATION_ATTEMPTS = Counter "hookshelf_destination_attempts_total" ["destination", "outcome"]
        "Attempts to send to a destination, by outcome: `http_2xx` to `http_5xx` or `http_other` by the status of the answer, `timeout`, `dns`, `forbidden_address`, `connect` or `incomplete`.";
    DESTINATION_DURATION = Histogram "hookshelf_destination_attempt_duration_seconds" ["destination"]
        "Seconds of an attempt, from the look-up of the name to the end of the answer.";
    DESTINATION_DOWN = Gauge "hookshelf_destination_down" ["destination"]
        "1 while the breaker of a destination is open and only probes are sent, else 0.";
    POSTGRES_RESTARTS = Counter "hookshelf_postgres_restarts_total" []
        "Restarts of the private Postgres after it ended by itself.";
    BUILD = Gauge "hookshelf_build_info" ["version"]
        "Always 1; the version is a label.";
}

/// Upper bounds of the buckets of durations. An answer is due within 4 seconds.
const SECONDS: &[f64] = &[
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 3.5, 4.0, 8.0, 16.0,
];

impl Metric {
    /// The counter of this metric with `labels`.
    pub fn counter<const N: usize>(&self, labels: [(&'static str, SharedString); N]) -> Counter {
        metrics::counter!(self.name, pairs(labels))
    }

    /// The gauge of this metric with `labels`.
    pub fn gauge<const N: usize>(&self, labels: [(&'static str, SharedString); N]) -> Gauge {
        metrics::gauge!(self.name, pairs(labels))
    }

    /// Increments the counter with `labels`.
    pub(super) fn count<const N: usize>(&self, labels: [(&'static str, SharedString); N]) {
        self.counter(labels).increment(1);
    }

    /// Sets the gauge with `labels` to `value`.
    pub fn show<const N: usize>(&self, labels: [(&'static str, SharedString); N], value: u64) {
        self.gauge(labels).set(approximate(value));
    }

    /// The histogram of this metric with `labels`.
    pub fn histogram<const N: usize>(
        &self,
        labels: [(&'static str, SharedString); N],
    ) -> Histogram {
        metrics::histogram!(self.name, pairs(labels))
    }

    fn describe(&self) {
        match self.kind {
            MetricKind::Counter => metrics::describe_counter!(self.name, self.meaning),
            MetricKind::Gauge => metrics::describe_gauge!(self.name, self.meaning),
            MetricKind::Histogram => metrics::describe_histogram!(self.name, self.meaning),
        }
    }
}

/// Converts a number for a gauge.
#[expect(
    clippy::cast_precision_loss,
    reason = "a gauge is a float; exact below 2^53, which is 8 PiB"
)]
pub(super) fn approximate(value: u64) -> f64 {
    value as f64
}

fn pairs<const N: usize>(labels: [(&'static str, SharedString); N]) -> Vec<Label> {
    labels
        .into_iter()
        .map(|(name, value)| Label::new(name, value))
        .collect()
}

/// Time for which earlier samples are kept.
const RECENT: Duration = Duration::from_mins(5);

/// Least time between two kept samples.
const APART: Duration = Duration::from_secs(15);

/// Exporter of the metrics of this process. Clones share the earlier samples.
#[derive(Clone, Debug)]
pub struct Exposition {
    handle: PrometheusHandle,
    started: Instant,
    /// Earlier samples, the oldest first.
    earlier: Arc<Mutex<VecDeque<(Instant, Samples)>>>,
}

/// Metrics of a process at a moment.
#[derive(Clone, Debug)]
pub struct Recent {
    /// Values since the start.
    pub total: Samples,
    /// Growth within the last minutes.
    pub grown: Samples,
    /// Time of the growth.
    pub within: Duration,
    /// Time since the start.
    pub running: Duration,
}

impl Exposition {
    /// Starts to collect the metrics of this process.
    ///
    /// # Errors
    /// If this process has a metrics recorder already.
    pub fn install() -> Result<Self, Error> {
        let handle = builder()
            .and_then(PrometheusBuilder::install_recorder)
            .map_err(Error::Metrics)?;
        for metric in CATALOGUE {
            metric.describe();
        }
        BUILD
            .gauge([("version", env!("CARGO_PKG_VERSION").into())])
            .set(1.0);
        Ok(Self::of(handle))
    }

    /// Exporter of a process that collects no metrics.
    pub fn idle() -> Self {
        Self::of(PrometheusBuilder::new().build_recorder().handle())
    }

    fn of(handle: PrometheusHandle) -> Self {
        Self {
            handle,
            started: Instant::now(),
            earlier: Arc::default(),
        }
    }

    /// The metrics in Prometheus' text format.
    pub fn render(&self) -> String {
        self.handle.render()
    }

    /// Aggregates the samples of the histograms. Call it every few seconds: samples pile up if
    /// nobody scrapes. Keeps the samples of the last minutes.
    pub fn fold(&self) {
        self.handle.run_upkeep();
        self.keep(Instant::now());
    }

    fn keep(&self, now: Instant) {
        let mut earlier = self.earlier.lock().unwrap_or_else(PoisonError::into_inner);
        let last = earlier.back().map(|(at, _)| now.duration_since(*at));
        if last.is_none_or(|age| age >= APART) {
            earlier.push_back((now, Samples::of(&self.render())));
        }
        let is_old = |(at, _): &mut (Instant, Samples)| now.duration_since(*at) > RECENT;
        while earlier.pop_front_if(is_old).is_some() {}
    }

    /// Metrics now, and their growth within the last five minutes, or since the start.
    pub fn recent(&self) -> Recent {
        let (now, total) = (Instant::now(), Samples::of(&self.render()));
        let running = now.duration_since(self.started);
        let earlier = self.earlier.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = earlier.front().filter(|_| running > RECENT);
        let (grown, within) = match oldest {
            Some((at, samples)) => (total.since(samples), now.duration_since(*at)),
            None => (total.clone(), running),
        };
        Recent {
            total,
            grown,
            within,
            running,
        }
    }
}

fn builder() -> Result<PrometheusBuilder, BuildError> {
    let durations = Matcher::Suffix("_duration_seconds".to_owned());
    PrometheusBuilder::new().set_buckets_for_metric(durations, SECONDS)
}
