//! Counting while a run goes on.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;

use super::{
    super::report::Answer,
    post::{Post, Sort},
    summary::{Latencies, Summary},
};
use crate::meta::event::Kind;

/// A delivery that was begun later than this after it was due is counted as late. What is less is
/// the precision of timers.
const LATE: Duration = Duration::from_millis(5);

/// Latencies are kept in microseconds, to three digits, up to an hour.
const LONGEST_MICROS: u64 = 3_600_000_000;
const DIGITS: u8 = 3;

/// The counts of a run.
#[derive(Debug)]
pub(super) struct Tally {
    summary: Summary,
    /// In the order of [`Kind::ALL`].
    kinds: [u64; Kind::ALL.len()],
    answers: BTreeMap<Answer, u64>,
    latencies: Histogram<u64>,
}

impl Tally {
    pub(super) fn new() -> Result<Self, hdrhistogram::CreationError> {
        Ok(Self {
            summary: Summary::default(),
            kinds: [0; Kind::ALL.len()],
            answers: BTreeMap::new(),
            latencies: Histogram::new_with_bounds(1, LONGEST_MICROS, DIGITS)?,
        })
    }

    /// A delivery is sent for the first time.
    pub(super) fn begun(&mut self, post: &Post, now: Instant) {
        let summary = &mut self.summary;
        summary.deliveries += 1;
        match post.sort {
            Sort::New => {}
            Sort::Repeat(_) => summary.repeats += 1,
            Sort::Forged => summary.forgeries += 1,
        }
        summary.late += u64::from(now.duration_since(post.due) > LATE);
        summary.items += u64::from(post.delivery.items);
        for (kind, count) in post.delivery.kinds.iter() {
            self.kinds[kind as usize] += u64::from(count);
        }
    }

    /// A delivery of so many bytes is sent, for the first time or again.
    pub(super) fn sent(&mut self, bytes: usize) {
        self.summary.sends += 1;
        self.summary.bytes += bytes as u64;
    }

    /// What was sent came to its end.
    pub(super) fn answered(&mut self, answer: Answer) {
        *self.answers.entry(answer).or_default() += 1;
    }

    /// A delivery came to its end with this answer.
    pub(super) fn settled(&mut self, post: &Post, answer: Answer, now: Instant) {
        let summary = &mut self.summary;
        match (post.sort, answer.is_ack()) {
            (Sort::Forged, true) => summary.acked_forgeries += 1,
            (Sort::Forged, false) if post.is_settled_by(answer) => summary.refused_forgeries += 1,
            (Sort::New | Sort::Repeat(_), true) => {
                summary.acked += 1;
                let waited = now.duration_since(post.due).as_micros();
                let waited = u64::try_from(waited).unwrap_or(u64::MAX);
                self.latencies.saturating_record(waited);
                if post.sort == Sort::New {
                    let told = post.delivery.items - post.delivery.repeats;
                    summary.events += u64::from(told);
                }
            }
            (_, false) => {}
        }
    }

    /// The kinds that were sent, by name.
    fn kinds(&self) -> BTreeMap<&'static str, u64> {
        let named = Kind::ALL.iter().zip(self.kinds);
        let sent = named.filter(|(_, count)| *count > 0);
        sent.map(|(kind, count)| (kind.as_str(), count)).collect()
    }

    /// The counts, after so long and with so many that were due and never sent.
    pub(super) fn finish(&self, elapsed: Duration, unsent: u64) -> Summary {
        let mut summary = Summary {
            elapsed,
            unsent,
            kinds: self.kinds(),
            answers: self.answers.clone(),
            ..self.summary.clone()
        };
        let cut_off = summary.sends - self.answers.values().sum::<u64>();
        if cut_off > 0 {
            summary.answers.insert(Answer::CutOff, cut_off);
        }
        let never = summary.unacked().saturating_add(unsent);
        summary.latencies = Latencies::of(&self.latencies, never);
        summary
    }
}
