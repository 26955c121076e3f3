//! What a run sent and how it was answered: a value. Printing it is the business of `cli`.

use std::{collections::BTreeMap, time::Duration};

use hdrhistogram::Histogram;

use super::super::Answer;

/// What a run sent and how it was answered.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Somebody ended it early.
    pub interrupted: bool,
    /// From its first delivery to the end of its last.
    pub elapsed: Duration,
    /// Deliveries begun, whatever became of them.
    pub deliveries: u64,
    /// Those among them that repeat an acked one.
    pub repeats: u64,
    /// Those among them with a wrong signature.
    pub forgeries: u64,
    /// How often deliveries were sent and came to an end, with an answer or without.
    pub sends: u64,
    /// The length of all bodies sent.
    pub bytes: u64,
    /// The items in all deliveries.
    pub items: u64,
    /// The items by kind.
    pub kinds: BTreeMap<&'static str, u64>,
    /// How each send ended.
    pub answers: BTreeMap<Answer, u64>,
    /// Deliveries acked, without forgeries.
    pub acked: u64,
    /// Forgeries refused with 401.
    pub refused_forgeries: u64,
    /// Forgeries acked: the receiver does not check signatures.
    pub acked_forgeries: u64,
    /// The distinct events in what was acked.
    pub events: u64,
    /// Deliveries begun after they were due because no connection was free.
    pub late: u64,
    /// Deliveries that were due, and that the end of the run left unsent.
    pub unsent: u64,
    /// From when an acked delivery was due to its ack.
    pub latencies: Latencies,
}

/// Shares of the latencies.
#[derive(Clone, Copy, Debug)]
pub struct Latencies {
    /// The name and the value of each share, from the median to the slowest.
    pub shares: [(&'static str, Duration); 5],
}

/// The names of the shares, and how much of all latencies each holds.
const SHARES: [(&str, f64); 5] = [
    ("p50", 0.5),
    ("p90", 0.9),
    ("p99", 0.99),
    ("p99.9", 0.999),
    ("max", 1.0),
];

impl Latencies {
    pub(super) fn of(histogram: &Histogram<u64>) -> Self {
        let value = |share| Duration::from_micros(histogram.value_at_quantile(share));
        Self {
            shares: SHARES.map(|(name, share)| (name, value(share))),
        }
    }
}

impl Default for Latencies {
    fn default() -> Self {
        Self {
            shares: SHARES.map(|(name, _)| (name, Duration::ZERO)),
        }
    }
}

impl Summary {
    /// Of a run that was ended before it began.
    pub(super) fn of_nothing() -> Self {
        Self {
            interrupted: true,
            ..Self::default()
        }
    }

    /// Deliveries that had to be acked and were not.
    pub fn unacked(&self) -> u64 {
        self.deliveries
            .saturating_sub(self.forgeries)
            .saturating_sub(self.acked)
    }

    /// Forgeries that were neither acked nor refused with 401.
    pub fn open_forgeries(&self) -> u64 {
        self.forgeries
            .saturating_sub(self.refused_forgeries)
            .saturating_sub(self.acked_forgeries)
    }

    /// Whether everything was as it has to be: each delivery acked, each forgery refused.
    pub fn is_good(&self) -> bool {
        let done = !self.interrupted && self.unsent == 0;
        done && self.unacked() == 0 && self.refused_forgeries == self.forgeries
    }

    /// Whether every answer was a 401, though not everything was forged.
    pub fn is_all_refused(&self) -> bool {
        let refused = self.answers.get(&Answer::Status(401)).copied();
        self.deliveries > self.forgeries && refused == Some(self.sends)
    }

    /// Acks in a second.
    pub fn acks_per_second(&self) -> f64 {
        per_second(self.acked, self.elapsed)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "exact for as many as a run can count"
)]
fn per_second(count: u64, elapsed: Duration) -> f64 {
    let seconds = elapsed.as_secs_f64();
    if seconds > 0.0 {
        count as f64 / seconds
    } else {
        0.0
    }
}
