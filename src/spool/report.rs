//! Status of the spool and of its drain, as a running server reports it.

use std::path::PathBuf;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Settings, Status};

/// Progress of the drain of the spool, as reported by the drain.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draining {
    /// Records drained by this run.
    pub total: u64,
    /// Recent drain rate, in records per second.
    pub rate: f64,
    /// Number of times that a record was moved to the end because Postgres failed on it alone.
    pub passed_over: u64,
    /// Label of the reason why the drain is stalled, from a bounded set.
    pub obstacle: Option<&'static str>,
    /// Error text of that reason, if no other field has it.
    pub why: Option<String>,
}

/// The spool of a running server, as JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Spool")]
pub struct SpoolReport {
    /// True if the server has a spool.
    pub on: bool,
    /// Reason why the server has no spool.
    pub why_off: Option<String>,
    /// Directory of the spool, also if the spool is off.
    pub dir: PathBuf,
    /// Waiting deliveries.
    pub records: u64,
    /// Size of the files, in bytes.
    pub bytes: u64,
    /// Maximum size of the files, in bytes.
    pub max_bytes: u64,
    /// Disk space to reserve while the spool is empty, in bytes.
    pub reserve: u64,
    /// Disk space reserved now, in bytes.
    pub reserved: u64,
    /// Receive time of the oldest waiting delivery.
    pub oldest_received_at: Option<Timestamp>,
    /// Age of the oldest waiting delivery.
    pub oldest_age_seconds: Option<f64>,
    /// Files with deliveries.
    pub files: u64,
    /// Files that were set aside and still exist.
    pub files_set_aside: u64,
    /// Records that this run could not read and kept for the operator.
    pub records_set_aside: u64,
    /// Label of the reason why the spool takes no deliveries, from a bounded set; none while it
    /// does.
    pub obstacle: Option<String>,
    /// The same reason for a person, with the remedy.
    pub obstacle_means: Option<String>,
    /// Deliveries drained by this run.
    pub drained: u64,
    /// Recent drain rate, in deliveries per second.
    pub drain_rate: f64,
    /// Number of times that a delivery was moved to the end because Postgres failed on it alone.
    pub passed_over: u64,
    /// Label of the reason why the drain is stalled, from a bounded set; none while it is not.
    pub drain_obstacle: Option<String>,
    /// Error text of the spool's disk, if the disk is the reason.
    pub drain_obstacle_means: Option<String>,
    /// Directories, found at start, with deliveries of a spool that this configuration does not
    /// drain.
    #[serde(default)]
    pub left_behind: Vec<PathBuf>,
}

impl SpoolReport {
    /// Report of a server whose configuration turns the spool off.
    pub fn off(dir: PathBuf) -> Self {
        let why = "spool.max_bytes is 0";
        Self {
            why_off: Some(why.to_owned()),
            dir,
            ..Self::default()
        }
    }

    /// Report of the spool with these settings and this status.
    pub fn of(settings: &Settings, status: Status, draining: Draining, now: Timestamp) -> Self {
        let age = |oldest: Timestamp| now.duration_since(oldest).as_secs_f64().max(0.0);
        let means = |obstacle: &super::Obstacle| {
            format!(
                "the spool does not accept deliveries: \
            {obstacle}"
            )
        };
        Self {
            on: true,
            why_off: None,
            dir: settings.dir.clone(),
            records: status.records,
            bytes: status.bytes,
            max_bytes: status.max_bytes,
            reserve: status.reserve,
            reserved: status.reserved,
            oldest_received_at: status.oldest,
            oldest_age_seconds: status.oldest.map(age),
            files: status.files,
            files_set_aside: status.files_set_aside,
            records_set_aside: status.records_set_aside,
            obstacle_means: status.obstacle.as_ref().map(means),
            obstacle: status.obstacle.map(|it| it.code().to_owned()),
            drained: draining.total,
            drain_rate: draining.rate,
            passed_over: draining.passed_over,
            drain_obstacle: draining.obstacle.map(str::to_owned),
            drain_obstacle_means: draining.why,
            left_behind: Vec::new(),
        }
    }

    /// Adds directories that hold deliveries of another spool.
    #[must_use]
    pub fn beside(self, left_behind: Vec<PathBuf>) -> Self {
        Self {
            left_behind,
            ..self
        }
    }

    /// True if the spool can take a delivery that Postgres does not take.
    pub fn takes(&self) -> bool {
        self.on && self.obstacle.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::Obstacle;

    fn settings() -> Settings {
        Settings {
            dir: "/data/spool".into(),
            max_bytes: 1 << 30,
            reserve: 64 << 20,
            file_bytes: super::super::FILE_BYTES,
        }
    }

    #[test]
    fn a_report_is_read_as_it_was_written() {
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let status = Status {
            records: 3,
            oldest: Some("2026-11-21T11:58:30Z".parse().unwrap()),
            obstacle: Some(Obstacle::Full),
            ..Status::default()
        };
        let draining = Draining {
            rate: 12.5,
            obstacle: Some("unavailable"),
            ..Draining::default()
        };
        let report = SpoolReport::of(&settings(), status, draining, now);
        assert_eq!(report.oldest_age_seconds, Some(90.0));
        assert_eq!(report.obstacle.as_deref(), Some("full"));
        assert!(!report.takes());
        let text = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<SpoolReport>(&text).unwrap(), report);
    }

    #[test]
    fn a_clock_that_was_set_back_makes_no_negative_age() {
        let status = Status {
            oldest: Some("2026-11-21T12:00:00Z".parse().unwrap()),
            ..Status::default()
        };
        let now = "2026-11-21T11:00:00Z".parse().unwrap();
        let report = SpoolReport::of(&settings(), status, Draining::default(), now);
        assert_eq!(report.oldest_age_seconds, Some(0.0));
        assert!(report.takes() && !SpoolReport::off("/data/spool".into()).takes());
    }
}
