//! Checks the spool every second: updates its metrics and logs changes.

use std::time::{Duration, Instant};

use crate::{
    ingest::Spooling,
    spool::SpoolReport,
    telemetry::{
        LogEvent, SpoolBegan, SpoolBlocked, SpoolDraining, SpoolEmptied, SpoolOpened,
        SpoolSetAside, SpoolStalled, SpoolUnblocked, metrics,
    },
};

const PAUSE: Duration = Duration::from_secs(1);

/// The periodic check of the spool.
#[derive(Debug)]
pub struct SpoolWatch {
    spooling: Spooling,
    seen: Seen,
}

/// State of the spool at the last check.
#[derive(Debug, Default)]
struct Seen {
    before: Option<SpoolReport>,
    /// Time when deliveries began to wait, and the number drained until then.
    waiting_since: Option<(Instant, u64)>,
}

/// A change that is logged.
#[derive(Clone, Debug, PartialEq, Eq)]
enum SpoolChange {
    Opened {
        records: u64,
    },
    Began {
        records: u64,
    },
    Emptied {
        drained: u64,
        after: Duration,
    },
    SetAside {
        files: u64,
        records: u64,
    },
    Blocked {
        code: String,
        means: String,
    },
    Unblocked,
    Stalled {
        cause: String,
        means: Option<String>,
        records: u64,
    },
    Draining {
        records: u64,
    },
}

impl SpoolWatch {
    /// A check of this spool.
    pub fn new(spooling: Spooling) -> Self {
        let seen = Seen::default();
        Self { spooling, seen }
    }

    /// Has the spool retry after errors, updates the metrics and logs changes. Returns the pause
    /// before the next check.
    pub fn check(&mut self) -> Duration {
        self.spooling.spool.try_again();
        let now = self.spooling.report();
        measure(&now);
        for change in self.seen.compare(now, Instant::now()) {
            change.log();
        }
        PAUSE
    }
}

impl Seen {
    /// Changes since the last check.
    fn compare(&mut self, now: SpoolReport, at: Instant) -> Vec<SpoolChange> {
        let first = self.before.is_none();
        let before = self.before.take().unwrap_or_default();
        let opened = first.then_some(SpoolChange::Opened {
            records: now.records,
        });
        let filling = self.follow(&before, &now, at).filter(|change| {
            // Records found at start are part of the message on opening.
            !(first && matches!(change, SpoolChange::Began { .. }))
        });
        let all = [
            opened,
            set_aside(&before, &now),
            filling,
            taking(&before, &now),
            draining(&before, &now),
        ];
        self.before = Some(now);
        all.into_iter().flatten().collect()
    }

    /// Detects that deliveries began to wait, or that none waits any more.
    fn follow(
        &mut self,
        before: &SpoolReport,
        now: &SpoolReport,
        at: Instant,
    ) -> Option<SpoolChange> {
        match (before.records, now.records) {
            (0, records) if records > 0 => {
                self.waiting_since = Some((at, before.drained));
                Some(SpoolChange::Began { records })
            }
            (waited, 0) if waited > 0 => {
                let (since, drained) = self.waiting_since.take()?;
                let drained = now.drained.saturating_sub(drained);
                let after = at.saturating_duration_since(since);
                Some(SpoolChange::Emptied { drained, after })
            }
            _ => None,
        }
    }
}

fn set_aside(before: &SpoolReport, now: &SpoolReport) -> Option<SpoolChange> {
    let files = now.files_set_aside.saturating_sub(before.files_set_aside);
    let records = now.records_set_aside;
    let records = records.saturating_sub(before.records_set_aside);
    (files + records > 0).then_some(SpoolChange::SetAside { files, records })
}

fn taking(before: &SpoolReport, now: &SpoolReport) -> Option<SpoolChange> {
    if before.obstacle == now.obstacle {
        return None;
    }
    Some(match &now.obstacle {
        None => SpoolChange::Unblocked,
        Some(code) => SpoolChange::Blocked {
            code: code.clone(),
            means: now.obstacle_means.clone().unwrap_or_default(),
        },
    })
}

fn draining(before: &SpoolReport, now: &SpoolReport) -> Option<SpoolChange> {
    let cause = |of: &SpoolReport| of.drain_obstacle.clone().filter(|_| of.records > 0);
    let records = now.records;
    match (cause(before), cause(now)) {
        (before, Some(cause)) if before.as_ref() != Some(&cause) => {
            let means = now.drain_obstacle_means.clone();
            Some(SpoolChange::Stalled {
                cause,
                means,
                records,
            })
        }
        (Some(_), None) if records > 0 => Some(SpoolChange::Draining { records }),
        _ => None,
    }
}

/// Updates the metrics of the spool.
fn measure(now: &SpoolReport) {
    for (metric, value) in [
        (metrics::SPOOL_RECORDS, now.records),
        (metrics::SPOOL_BYTES, now.bytes),
        (metrics::SPOOL_MAX_BYTES, now.max_bytes),
        (metrics::SPOOL_RESERVED_BYTES, now.reserved),
        (metrics::SPOOL_FILES_SET_ASIDE, now.files_set_aside),
        (metrics::SPOOL_RECORDS_SET_ASIDE, now.records_set_aside),
        (metrics::SPOOL_TAKES, now.takes().into()),
    ] {
        metric.show([], value);
    }
    let oldest = now.oldest_age_seconds.unwrap_or_default();
    metrics::SPOOL_OLDEST_SECONDS.gauge([]).set(oldest);
    metrics::SPOOL_DRAINED.counter([]).absolute(now.drained);
}

impl SpoolChange {
    fn log(self) {
        match self {
            Self::Opened { records } => SpoolOpened { records }.emit(),
            Self::Began { records } => SpoolBegan { records }.emit(),
            Self::Emptied { drained, after } => SpoolEmptied { drained, after }.emit(),
            Self::SetAside { files, records } => SpoolSetAside { files, records }.emit(),
            Self::Blocked { code, means } => SpoolBlocked { code, means }.emit(),
            Self::Unblocked => SpoolUnblocked.emit(),
            Self::Stalled {
                cause,
                means,
                records,
            } => SpoolStalled {
                cause,
                means,
                records,
            }
            .emit(),
            Self::Draining { records } => SpoolDraining { records }.emit(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holding(records: u64, drained: u64) -> SpoolReport {
        SpoolReport {
            on: true,
            records,
            drained,
            ..SpoolReport::default()
        }
    }

    fn stalled(records: u64, cause: &str) -> SpoolReport {
        SpoolReport {
            drain_obstacle: Some(cause.to_owned()),
            ..holding(records, 0)
        }
    }

    /// Changes reported for each of these states, a second apart.
    fn told(looks: &[SpoolReport]) -> Vec<Vec<SpoolChange>> {
        let mut seen = Seen::default();
        let start = Instant::now();
        let looks = looks.iter().zip(0..);
        let told = looks
            .map(|(now, second)| seen.compare(now.clone(), start + Duration::from_secs(second)));
        told.collect()
    }

    #[test]
    fn it_tells_when_deliveries_begin_to_wait_and_when_none_does_any_more() {
        let looks = [
            holding(0, 5),
            holding(3, 5),
            holding(9, 7),
            holding(0, 16),
            holding(0, 16),
        ];
        let after = Duration::from_secs(2);
        assert_eq!(
            told(&looks),
            [
                vec![SpoolChange::Opened { records: 0 }],
                vec![SpoolChange::Began { records: 3 }],
                vec![],
                vec![SpoolChange::Emptied { drained: 11, after }],
                vec![],
            ]
        );
    }

    #[test]
    fn what_an_earlier_run_left_is_told_at_once_and_when_it_is_drained() {
        let found = SpoolReport {
            files_set_aside: 2,
            ..holding(40, 0)
        };
        let drained = SpoolReport {
            files_set_aside: 2,
            ..holding(0, 40)
        };
        let (files, records) = (2, 0);
        let after = Duration::from_secs(1);
        assert_eq!(
            told(&[found, drained]),
            [
                vec![
                    SpoolChange::Opened { records: 40 },
                    SpoolChange::SetAside { files, records }
                ],
                vec![SpoolChange::Emptied { drained: 40, after }],
            ]
        );
    }

    #[test]
    fn what_cannot_be_read_is_told_once() {
        let unread = SpoolReport {
            files_set_aside: 1,
            records_set_aside: 3,
            ..holding(1, 0)
        };
        let told = told(&[holding(1, 0), unread.clone(), unread]);
        let (files, records) = (1, 3);
        assert_eq!(
            told[1..],
            [vec![SpoolChange::SetAside { files, records }], vec![]]
        );
    }

    #[test]
    fn a_spool_that_takes_nothing_is_told_until_it_takes_again() {
        let blocked = |code: &str| SpoolReport {
            obstacle: Some(code.to_owned()),
            obstacle_means: Some("make room".to_owned()),
            ..holding(1, 0)
        };
        let change = |code: &str| SpoolChange::Blocked {
            code: code.to_owned(),
            means: "make room".to_owned(),
        };
        let looks = [
            holding(1, 0),
            blocked("full"),
            blocked("full"),
            blocked("disk"),
            holding(1, 0),
        ];
        assert_eq!(
            told(&looks)[1..],
            [
                vec![change("full")],
                vec![],
                vec![change("disk")],
                vec![SpoolChange::Unblocked]
            ]
        );
    }

    #[test]
    fn a_drain_that_does_not_get_on_is_told_while_something_waits() {
        let looks = [
            stalled(0, "postgres"),
            stalled(2, "postgres"),
            stalled(3, "postgres"),
            holding(3, 4),
            SpoolReport {
                drain_obstacle_means: Some("no such device".to_owned()),
                ..stalled(3, "spool")
            },
            holding(0, 7),
        ];
        let stall = |cause: &str, records| SpoolChange::Stalled {
            cause: cause.to_owned(),
            means: (cause == "spool").then(|| "no such device".to_owned()),
            records,
        };
        let (drained, after) = (7, Duration::from_secs(4));
        assert_eq!(
            told(&looks)[1..],
            [
                vec![SpoolChange::Began { records: 2 }, stall("postgres", 2)],
                vec![],
                vec![SpoolChange::Draining { records: 3 }],
                vec![stall("spool", 3)],
                vec![SpoolChange::Emptied { drained, after }],
            ]
        );
    }
}
