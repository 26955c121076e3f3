//! The catalogue of metrics, and their exposition for Prometheus.
//!
//! A label takes its values from a closed set or from the configuration, never from a delivery.

use metrics::{Counter, Gauge, Histogram, Label, SharedString};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use super::error::Error;

/// What a metric measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only ever grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts in buckets.
    Histogram,
}

/// One entry of the catalogue.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// As Prometheus sees it.
    pub name: &'static str,
    /// What it measures.
    pub kind: Kind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it tells, in one sentence.
    pub meaning: &'static str,
}

macro_rules! catalogue {
    ($($(#[$doc:meta])* $ident:ident = $kind:ident $name:literal [$($label:literal),*] $meaning:literal;)+) => {
        $($(#[$doc])* #[doc = $meaning] pub const $ident: Metric = Metric {
            name: $name,
            kind: Kind::$kind,
            labels: &[$($label),*],
            meaning: $meaning,
        };)+

        /// Every metric, in the order of the documentation.
        pub const CATALOGUE: &[Metric] = &[$($ident),+];
    };
}

catalogue! {
    DELIVERIES = Counter "hookshelf_deliveries_total" ["app", "outcome", "reason", "source"]
        "Deliveries by how they ended.";
    DELIVERY_BYTES = Counter "hookshelf_delivery_bytes_total" ["app"]
        "Bytes of bodies read.";
    DELIVERY_DURATION = Histogram "hookshelf_delivery_duration_seconds" ["outcome"]
        "Seconds from the end of a delivery's head to its outcome.";
    EVENTS = Counter "hookshelf_events_total" ["app", "seen"]
        "Items of deliveries that were committed, at once or out of the spool, by whether their event was new or repeated.";
    SIGNATURES = Counter "hookshelf_signatures_total" ["app", "secret"]
        "Signatures that matched, by the name of the secret that made them.";
    CHALLENGES = Counter "hookshelf_challenges_total" ["app", "answer"]
        "Challenges by answer: echoed, incomplete, mode or token; checked where hookshelf doctor asked.";
    UNKNOWN_APPS = Counter "hookshelf_unknown_apps_total" []
        "Requests to the callback URL of an app that is not configured.";
    UNKNOWN_PATHS = Counter "hookshelf_unknown_paths_total" []
        "Requests to a path that the public listener does not have.";
    CONNECTIONS = Gauge "hookshelf_connections" ["listener"]
        "Connections open now.";
    CONNECTIONS_REFUSED = Counter "hookshelf_connections_refused_total" ["listener"]
        "Connections closed at once because as many as allowed were open.";
    CONNECTIONS_CLOSED = Counter "hookshelf_connections_closed_total" ["listener", "reason"]
        "Connections that ended, by why.";
    BODY_BYTES = Gauge "hookshelf_body_bytes" []
        "Bytes of bodies in memory now, of the budget that all share.";
    PANICS = Counter "hookshelf_panics_total" ["listener"]
        "Defects caught at the door.";
    RELOADS = Counter "hookshelf_reloads_total" ["result"]
        "Reloads by result: swapped, or kept because the new configuration was faulty.";
    REJECTIONS_HELD = Counter "hookshelf_rejections_held_total" ["from"]
        "Deliveries refused for their signature that were held, by whose network they came from: meta or elsewhere.";
    REJECTIONS_NOT_HELD = Counter "hookshelf_rejections_not_held_total" ["reason"]
        "Deliveries refused for their signature that were not held, by why.";
    HELD_REJECTIONS = Gauge "hookshelf_held_rejections" ["from"]
        "Refused deliveries that are held now.";
    HELD_BYTES = Gauge "hookshelf_held_rejection_bytes" ["from"]
        "Bytes of disk that they take.";
    COMMIT_FAILURES = Counter "hookshelf_commit_failures_total" ["code"]
        "Commits that failed, by the reason; their deliveries went into the spool, or were not acked.";
    SPOOL_REFUSALS = Counter "hookshelf_spool_refusals_total" ["code"]
        "Deliveries that the spool did not take, by the reason; they were not acked.";
    SPOOL_RECORDS = Gauge "hookshelf_spool_records" []
        "Deliveries that wait in the spool.";
    SPOOL_BYTES = Gauge "hookshelf_spool_bytes" []
        "Bytes that the spool counts for, of those that it may.";
    SPOOL_MAX_BYTES = Gauge "hookshelf_spool_max_bytes" []
        "What the spool may count for.";
    SPOOL_RESERVED_BYTES = Gauge "hookshelf_spool_reserved_bytes" []
        "Bytes of the disk that are held for the spool now.";
    SPOOL_OLDEST_SECONDS = Gauge "hookshelf_spool_oldest_seconds" []
        "Seconds since the first delivery that waits in the spool was received; 0 while it is empty.";
    SPOOL_FILES_SET_ASIDE = Gauge "hookshelf_spool_files_set_aside" []
        "Files of the spool that were set aside and are still there.";
    SPOOL_RECORDS_SET_ASIDE = Gauge "hookshelf_spool_records_set_aside" []
        "Records of the spool that this run could not read.";
    SPOOL_TAKES = Gauge "hookshelf_spool_takes" []
        "1 while the spool takes deliveries, 0 while it is full or its disk refuses.";
    SPOOL_DRAINED = Counter "hookshelf_spool_drained_total" []
        "Deliveries that were drained from the spool into Postgres.";
    UPKEEP_FAILURES = Counter "hookshelf_upkeep_failures_total" ["part"]
        "Upkeep that failed, by its part: tables (partitions, dedupe window), rejections or callbacks.";
    FOLLOWER_LAG_POSITIONS = Gauge "hookshelf_follower_lag_positions" ["follower"]
        "Positions between a follower and the end of the log, some of them holes.";
    FOLLOWER_LAG_SECONDS = Gauge "hookshelf_follower_lag_seconds" ["follower"]
        "Seconds since a follower had done everything; 0 while it has.";
    FOLLOWER_FAILURES = Counter "hookshelf_follower_failures_total" ["follower"]
        "Times a follower could not go on; it tries again from where it was.";
    POSTGRES_RESTARTS = Counter "hookshelf_postgres_restarts_total" []
        "Times the private Postgres ended by itself and was started again.";
    BUILD = Gauge "hookshelf_build_info" ["version"]
        "Always 1; the version is a label.";
}

/// Upper bounds of the buckets of durations: an answer is due within 4 seconds.
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

    /// Counts one more of what has `labels`.
    pub(super) fn count<const N: usize>(&self, labels: [(&'static str, SharedString); N]) {
        self.counter(labels).increment(1);
    }

    /// Shows `value` at the gauge with `labels`.
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
            Kind::Counter => metrics::describe_counter!(self.name, self.meaning),
            Kind::Gauge => metrics::describe_gauge!(self.name, self.meaning),
            Kind::Histogram => metrics::describe_histogram!(self.name, self.meaning),
        }
    }
}

/// A number as gauges take it.
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

/// Shows the metrics of this process.
#[derive(Clone, Debug)]
pub struct Exposition(PrometheusHandle);

impl Exposition {
    /// Collects the metrics of this process from here on.
    ///
    /// # Errors
    /// Once a process: a second time fails.
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
        Ok(Self(handle))
    }

    /// The metrics in Prometheus' text format.
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Folds what the histograms collected; to be called every few seconds, since it grows where
    /// nobody scrapes.
    pub fn fold(&self) {
        self.0.run_upkeep();
    }
}

fn builder() -> Result<PrometheusBuilder, BuildError> {
    let durations = Matcher::Suffix("_duration_seconds".to_owned());
    PrometheusBuilder::new().set_buckets_for_metric(durations, SECONDS)
}
