//! What came back: a value. Printing it is the business of `cli`.

use std::{fmt, time::Duration};

use super::plan::{Kinds, Variant};

/// How one delivery was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    /// With this status code.
    Status(u16),
    /// Not before the deadline.
    TimedOut,
    /// The connection ended before the answer did, or what came over it was no answer.
    Broken,
    /// There was none: refused, or the system could not make one.
    NoConnection,
    /// None yet when the run was ended.
    CutOff,
}

impl Answer {
    /// Whether Meta would take it for an acknowledgement.
    pub fn is_ack(self) -> bool {
        self == Self::Status(200)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => status.fmt(f),
            Self::TimedOut => f.pad("timed out"),
            Self::Broken => f.pad("broken"),
            Self::NoConnection => f.pad("no connection"),
            Self::CutOff => f.pad("cut off"),
        }
    }
}

/// One delivery that was sent.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The name of the variant.
    pub name: &'static str,
    /// The events that its body holds.
    pub kinds: Kinds,
    /// The length of its body in bytes.
    pub bytes: usize,
    /// What the server said.
    pub answer: Answer,
    /// From the first byte sent to the last byte received.
    pub latency: Duration,
}

/// Everything that one run sent, in order.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The deliveries.
    pub sent: Vec<Sent>,
}

impl Report {
    pub(super) fn add(&mut self, variant: &Variant, answer: Answer, latency: Duration) -> &Sent {
        self.sent.push_mut(Sent {
            name: variant.name,
            kinds: variant.kinds,
            bytes: variant.body.len(),
            answer,
            latency,
        })
    }

    /// How many deliveries were acknowledged.
    pub fn acked(&self) -> usize {
        self.sent.iter().filter(|sent| sent.answer.is_ack()).count()
    }

    /// The deliveries that were not acknowledged.
    pub fn failed(&self) -> impl Iterator<Item = &Sent> {
        self.sent.iter().filter(|sent| !sent.answer.is_ack())
    }

    /// How many events the acknowledged deliveries hold.
    pub fn events(&self) -> usize {
        let acked = self.sent.iter().filter(|sent| sent.answer.is_ack());
        acked.map(|sent| sent.kinds.len()).sum()
    }

    /// The latency that this share of the deliveries did not exceed: 0.5 for the median, 1.0 for
    /// the slowest. `None` where nothing was sent.
    pub fn latency(&self, share: f64) -> Option<Duration> {
        let mut latencies: Vec<_> = self.sent.iter().map(|sent| sent.latency).collect();
        latencies.sort_unstable();
        // Exact for as many deliveries as a run can hold.
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count that fits in memory, scaled down and rounded up"
        )]
        let rank = (latencies.len() as f64 * share.clamp(0.0, 1.0)).ceil() as usize;
        latencies.get(rank.saturating_sub(1)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(answers: &[Answer]) -> Report {
        let sent = answers.iter().zip(1..).map(|(answer, ms)| Sent {
            name: "messages/text",
            kinds: &["message", "seen"],
            bytes: 2,
            answer: *answer,
            latency: Duration::from_millis(ms),
        });
        Report {
            sent: sent.collect(),
        }
    }

    #[test]
    fn only_200_is_an_acknowledgement() {
        let report = report(&[
            Answer::Status(200),
            Answer::Status(204),
            Answer::Status(503),
            Answer::TimedOut,
            Answer::Broken,
        ]);
        assert_eq!(report.acked(), 1);
        assert_eq!(report.events(), 2);
        assert_eq!(report.failed().count(), 4);
    }

    #[test]
    fn latencies_by_share() {
        let report = report(&[Answer::Status(200); 4]);
        let ms = |share| report.latency(share).map(|latency| latency.as_millis());
        assert_eq!(
            [ms(0.0), ms(0.5), ms(0.51), ms(1.0)],
            [Some(1), Some(2), Some(3), Some(4)]
        );
        assert_eq!(Report::default().latency(0.5), None);
    }
}
