//! Summary of a run: what it sent, and how it was answered. Printing it is the business of `cli`.

use std::{collections::BTreeMap, time::Duration};

use hdrhistogram::{CreationError, Histogram};

use super::{
    super::client::Answer,
    post::{Post, Sort},
};

/// Latencies are kept in microseconds, to three digits, up to an hour.
const LONGEST_MICROS: u64 = 3_600_000_000;
const DIGITS: u8 = 3;

/// Counts of deliveries and answers, and latencies of a run.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// True if the run was stopped early.
    pub interrupted: bool,
    /// Time from the first delivery to the end of the last.
    pub elapsed: Duration,
    /// Deliveries begun, with any outcome.
    pub deliveries: u64,
    /// Repeats of acked deliveries.
    pub repeats: u64,
    /// Deliveries with a wrong signature.
    pub forgeries: u64,
    /// Number of sends: the sum of `answers`.
    pub sends: u64,
    /// The length of all bodies sent.
    pub bytes: u64,
    /// The items in all deliveries.
    pub items: u64,
    /// The items by kind.
    pub kinds: BTreeMap<&'static str, u64>,
    /// Number of sends by answer.
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
    /// Shares of the latencies of all deliveries that had to be acked and were due, from when each
    /// was due to its ack: name and value, from the median to the slowest. What was never acked
    /// counts as slower than all that was: left out, a server that stops answering would look
    /// quick. None where a share reaches into that.
    pub latencies: Vec<(&'static str, Option<Duration>)>,
}

impl Summary {
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

    /// True if each delivery was acked and each forgery refused.
    pub fn is_good(&self) -> bool {
        let done = !self.interrupted && self.unsent == 0;
        done && self.unacked() == 0 && self.refused_forgeries == self.forgeries
    }

    /// True if every answer was this status, and not all deliveries were forgeries.
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

/// The counts of a run that goes on.
#[derive(Debug)]
pub(super) struct Tally {
    summary: Summary,
    latencies: Histogram<u64>,
}

impl Tally {
    pub(super) fn new() -> Result<Self, CreationError> {
        Ok(Self {
            summary: Summary::default(),
            latencies: Histogram::new_with_bounds(1, LONGEST_MICROS, DIGITS)?,
        })
    }

    /// A delivery is sent for the first time.
    pub(super) fn begun(&mut self, post: &Post, is_late: bool) {
        let summary = &mut self.summary;
        summary.deliveries += 1;
        match post.sort {
            Sort::New => {}
            Sort::Repeat(_) => summary.repeats += 1,
            Sort::Forged => summary.forgeries += 1,
        }
        summary.late += u64::from(is_late);
        summary.items += post.delivery.kinds.len() as u64;
        for kind in &post.delivery.kinds {
            *summary.kinds.entry(kind.as_str()).or_default() += 1;
        }
    }

    /// A delivery of so many bytes is sent, for the first time or again.
    pub(super) fn sent(&mut self, bytes: usize) {
        self.summary.sends += 1;
        self.summary.bytes += bytes as u64;
    }

    /// Counts the answer to a send.
    pub(super) fn answered(&mut self, answer: Answer) {
        *self.summary.answers.entry(answer).or_default() += 1;
    }

    /// A delivery came to its end with this answer.
    pub(super) fn settled(&mut self, post: &Post, answer: Answer) {
        let summary = &mut self.summary;
        match (post.sort, answer.is_ack()) {
            (Sort::Forged, true) => summary.acked_forgeries += 1,
            (Sort::Forged, false) if post.is_settled_by(answer) => summary.refused_forgeries += 1,
            (Sort::New | Sort::Repeat(_), true) => {
                summary.acked += 1;
                let waited = u64::try_from(post.due.elapsed().as_micros());
                self.latencies.saturating_record(waited.unwrap_or(u64::MAX));
                if post.sort == Sort::New {
                    summary.events += post.delivery.kinds.len() as u64 - post.delivery.repeats;
                }
            }
            (_, false) => {}
        }
    }

    /// The summary, after so long and with so many that were due and never sent.
    pub(super) fn finish(&self, elapsed: Duration, unsent: u64) -> Summary {
        let mut summary = Summary {
            elapsed,
            unsent,
            ..self.summary.clone()
        };
        let cut_off = summary.sends - summary.answers.values().sum::<u64>();
        if cut_off > 0 {
            summary.answers.insert(Answer::CutOff, cut_off);
        }
        let never = summary.unacked().saturating_add(unsent);
        let value = |share| value(&self.latencies, never, share);
        summary.latencies = SHARES.map(|(name, share)| (name, value(share))).to_vec();
        summary
    }
}

/// The names of the shares, and how much of all latencies each holds.
const SHARES: [(&str, f64); 5] = [
    ("p50", 0.5),
    ("p90", 0.9),
    ("p99", 0.99),
    ("p99.9", 0.999),
    ("max", 1.0),
];

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

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(acked: u64, never: u64) -> [Option<u128>; 5] {
        let mut histogram = Histogram::new(3).unwrap();
        for millis in 1..=acked {
            histogram.record(millis * 1000).unwrap();
        }
        let millis = |it: Duration| it.as_micros() / 1000;
        SHARES.map(|(_, share)| value(&histogram, never, share).map(millis))
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
