//! What a run sent and how it was answered: a value. Printing it is the business of `cli`.

use std::{collections::BTreeMap, time::Duration};

use hdrhistogram::Histogram;

use super::super::report::Answer;

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
    /// How often deliveries were sent: the sum of `answers`.
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
    /// From when each delivery that had to be acked was due to its ack.
    pub latencies: Latencies,
}

/// Shares of the latencies of all deliveries that had to be acked and were due. What was never
/// acked counts as slower than all that was: left out, a server that stops answering would look
/// quick.
#[derive(Clone, Copy, Debug)]
pub struct Latencies {
    /// The name and the value of each share, from the median to the slowest. None where the share
    /// reaches into what was never acked.
    pub shares: [(&'static str, Option<Duration>); 5],
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
    /// Of what was acked after so many microseconds, and of so many that never were.
    pub(super) fn of(acked: &Histogram<u64>, never: u64) -> Self {
        Self {
            shares: SHARES.map(|(name, share)| (name, value(acked, never, share))),
        }
    }
}

/// The latency that this share of all did not exceed.
#[expect(
    clippy::cast_precision_loss,
    reason = "exact for as many as a run can count"
)]
fn value(acked: &Histogram<u64>, never: u64, share: f64) -> Option<Duration> {
    let all = acked.len().saturating_add(never);
    let rank = (all as f64 * share).ceil();
    let found = acked.len() as f64;
    // The middle of a rank is its own, however it is rounded.
    let micros = || acked.value_at_quantile((rank - 0.5) / found);
    (rank > 0.0 && rank <= found).then(|| Duration::from_micros(micros()))
}

impl Default for Latencies {
    fn default() -> Self {
        Self {
            shares: SHARES.map(|(name, _)| (name, None)),
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

    /// Whether every answer was this status, though not everything was forged.
    pub fn is_all(&self, status: u16) -> bool {
        let answered = self.answers.get(&Answer::Status(status)).copied();
        self.deliveries > self.forgeries && answered == Some(self.sends)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(acked: u64, never: u64) -> [Option<u128>; 5] {
        let mut histogram = Histogram::new(3).unwrap();
        for millis in 1..=acked {
            histogram.record(millis * 1000).unwrap();
        }
        let millis = |it: Duration| it.as_micros() / 1000;
        let shares = Latencies::of(&histogram, never).shares;
        shares.map(|(_, value)| value.map(millis))
    }

    #[test]
    fn what_was_never_acked_is_slower_than_all_that_was() {
        let all = [Some(50), Some(90), Some(99), Some(100), Some(100)];
        assert_eq!(shares(100, 0), all);
        assert_eq!(shares(90, 10), [Some(50), Some(90), None, None, None]);
        assert_eq!(shares(3, 3), [Some(3), None, None, None, None]);
        assert_eq!(shares(1, 2), [None; 5]);
        assert_eq!(shares(0, 0), [None; 5]);
    }
}
