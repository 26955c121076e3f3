//! What came back: a value. Printing it is the business of `cli`.

use std::{fmt, time::Duration};

use super::variants::Variant;

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
    /// The kinds of the events that its body holds, as [`Variant::kinds`] spells them.
    pub kinds: Vec<String>,
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
    pub(super) fn add(&mut self, variant: Variant, answer: Answer, latency: Duration) -> &Sent {
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

    /// How many events the acknowledged deliveries hold.
    pub fn events(&self) -> usize {
        let acked = self.sent.iter().filter(|sent| sent.answer.is_ack());
        acked.map(|sent| sent.kinds.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(answers: &[Answer]) -> Report {
        let sent = answers.iter().zip(1..).map(|(answer, ms)| Sent {
            name: "messages/text",
            kinds: vec!["message".into(), "seen".into()],
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
    }
}
