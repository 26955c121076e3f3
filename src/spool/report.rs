//! What a running server says of its spool to whoever asks it: its status, and how the drain gets
//! on.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Settings, Status};

/// How the drain of the spool stands, as whoever drains it says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draining {
    /// How many records this run has drained.
    pub total: u64,
    /// Records a second, lately.
    pub rate: f64,
    /// How many times a record was put behind the others, because Postgres failed on it alone.
    pub passed_over: u64,
    /// The bounded word for why it does not get on.
    pub obstacle: Option<&'static str>,
    /// What was said of that, where nothing else says it.
    pub why: Option<String>,
}

/// The spool of a running server, as JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Whether there is one.
    pub on: bool,
    /// Why there is none.
    pub why_off: Option<String>,
    /// Its directory; also where it would be.
    pub dir: PathBuf,
    /// How many deliveries wait in it.
    pub records: u64,
    /// What they and its files count for.
    pub bytes: u64,
    /// What they may count for.
    pub max_bytes: u64,
    /// How much of the disk is to be held for it while it is empty.
    pub reserve: u64,
    /// How much of the disk is held for it now.
    pub reserved: u64,
    /// When the first of the deliveries that wait was received.
    pub oldest_received_at: Option<Timestamp>,
    /// How long that is ago.
    pub oldest_age_seconds: Option<f64>,
    /// In how many files the deliveries are.
    pub files: u64,
    /// How many files were set aside and are still there.
    pub files_set_aside: u64,
    /// How many records this run could not read and kept for a person.
    pub records_set_aside: u64,
    /// The bounded word for why it takes no deliveries; none while it does.
    pub obstacle: Option<String>,
    /// The same for a person, with what to do.
    pub obstacle_means: Option<String>,
    /// How many deliveries this run has drained.
    pub drained: u64,
    /// Deliveries a second that were drained lately.
    pub drain_rate: f64,
    /// How many times a delivery was put behind the others, because Postgres failed on it alone.
    pub passed_over: u64,
    /// The bounded word for why the drain does not get on; none while it does.
    pub drain_obstacle: Option<String>,
    /// What the disk of the spool said, where that is the obstacle.
    pub drain_obstacle_means: Option<String>,
    /// Directories that hold deliveries of a spool which this configuration does not drain, as they
    /// were found at the start.
    #[serde(default)]
    pub left_behind: Vec<PathBuf>,
}

impl Report {
    /// There is none, because the configuration says so.
    pub fn off(dir: PathBuf) -> Self {
        let why = "spool.max_bytes is 0";
        Self {
            why_off: Some(why.to_owned()),
            dir,
            ..Self::default()
        }
    }

    /// The spool with these settings, as it stands now.
    pub fn of(settings: &Settings, status: Status, draining: Draining, now: Timestamp) -> Self {
        let age = |oldest: Timestamp| now.duration_since(oldest).as_secs_f64().max(0.0);
        let means = |obstacle: &super::Obstacle| format!("the spool takes nothing: {obstacle}");
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

    /// The same, where `left_behind` hold deliveries of another spool.
    #[must_use]
    pub fn beside(self, left_behind: Vec<PathBuf>) -> Self {
        Self {
            left_behind,
            ..self
        }
    }

    /// Whether it can take a delivery that Postgres does not.
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
        let report = Report::of(&settings(), status, draining, now);
        assert_eq!(report.oldest_age_seconds, Some(90.0));
        assert_eq!(report.obstacle.as_deref(), Some("full"));
        assert!(!report.takes());
        let text = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
    }

    #[test]
    fn a_clock_that_was_set_back_makes_no_negative_age() {
        let status = Status {
            oldest: Some("2026-11-21T12:00:00Z".parse().unwrap()),
            ..Status::default()
        };
        let now = "2026-11-21T11:00:00Z".parse().unwrap();
        let report = Report::of(&settings(), status, Draining::default(), now);
        assert_eq!(report.oldest_age_seconds, Some(0.0));
        assert!(report.takes() && !Report::off("/data/spool".into()).takes());
    }
}
