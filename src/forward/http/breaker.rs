//! Breaker of a destination: stops attempts while the destination is down.
//!
//! An event uses up its tries on its own failures only, not on an outage. The breaker of the commit
//! path (`ingest::CircuitBreaker`) is another thing: it opens after one failed commit, because
//! deliveries wait for the answer, and it knows the reasons to keep Postgres idle.

use std::time::{Duration, Instant};

/// Number of latest attempts that decide.
const WINDOW: u32 = 20;

/// Failures among them that open the breaker. A window that is not full yet counts the same.
const FAILURES: u32 = WINDOW / 2;

const WINDOW_BITS: u32 = (1 << WINDOW) - 1;

/// Pause before the first probe. It doubles after each failed probe.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Breaker; closed at first.
///
/// While it is open, the attempts of no event count, and the cursor of the destination halts.
#[derive(Clone, Debug, Default)]
pub struct Breaker {
    /// Latest attempts, the last in the lowest bit; 1 is a failure.
    latest: u32,
    outage: Option<Outage>,
}

#[derive(Clone, Copy, Debug)]
struct Outage {
    pause: Duration,
    next_probe: Instant,
}

/// Permission for an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// Usual attempt, any number at a time.
    Send,
    /// Probe of a destination that is down. Each probe should take another lane, and also lanes
    /// that come next in the log: if the destination fails on one person only, a probe with this
    /// person never succeeds.
    Probe,
}

impl Breaker {
    /// Permission for an attempt at `now`. A probe whose end is never recorded delays the next by
    /// the longest pause.
    ///
    /// # Errors
    ///
    /// Time of the next probe, if no attempt is allowed before it.
    pub fn permit(&mut self, now: Instant) -> Result<Permit, Instant> {
        match &mut self.outage {
            None => Ok(Permit::Send),
            Some(outage) if now < outage.next_probe => Err(outage.next_probe),
            Some(outage) => {
                outage.next_probe = now + LONGEST_PAUSE;
                Ok(Permit::Probe)
            }
        }
    }

    /// Time before which no attempt is allowed, if there is one. Unlike [`Breaker::permit`], it takes
    /// no permission.
    pub fn next_probe(&self) -> Option<Instant> {
        self.outage.map(|outage| outage.next_probe)
    }

    /// Records the end of an attempt with its permit and its failure, which is
    /// [`Attempt::outage`](super::Attempt::outage). An open breaker ignores attempts that began
    /// before it opened.
    ///
    /// The attempt that opens the breaker closes the destination for a minute at most, because its
    /// `Retry-After` may be about one person. The `Retry-After` of a probe counts in full.
    pub fn record(&mut self, permit: Permit, failure: Option<Duration>, now: Instant) {
        match (self.outage, permit) {
            (None, _) => {
                self.latest = ((self.latest << 1) | u32::from(failure.is_some())) & WINDOW_BITS;
                if let Some(wait) = failure
                    && self.latest.count_ones() >= FAILURES
                {
                    self.open(SHORTEST_PAUSE, wait.min(LONGEST_PAUSE), now);
                }
            }
            (Some(outage), Permit::Probe) => match failure {
                Some(wait) => self.open(LONGEST_PAUSE.min(outage.pause * 2), wait, now),
                None => *self = Self::default(),
            },
            (Some(_), Permit::Send) => {}
        }
    }

    /// True if the destination counts as down. If so after [`Breaker::record`], the attempt does
    /// not count as a try of its event.
    pub fn is_open(&self) -> bool {
        self.outage.is_some()
    }

    fn open(&mut self, pause: Duration, wait: Duration, now: Instant) {
        let next_probe = now + pause.max(wait);
        self.outage = Some(Outage { pause, next_probe });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    const FAILURE: Option<Duration> = Some(Duration::ZERO);

    fn open_at(now: Instant) -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 0..FAILURES {
            assert_eq!(breaker.permit(now), Ok(Permit::Send));
            breaker.record(Permit::Send, FAILURE, now);
        }
        assert!(breaker.is_open());
        breaker
    }

    #[test]
    fn probes_come_after_a_second_and_then_ever_later_up_to_a_minute() {
        let mut now = Instant::now();
        let (mut breaker, mut pauses) = (open_at(now), Vec::new());
        for _ in 0..8 {
            let next = breaker.permit(now).unwrap_err();
            pauses.push((next - now).as_secs());
            assert_eq!(breaker.permit(next), Ok(Permit::Probe));
            assert!(breaker.permit(next).is_err(), "one probe at a time");
            now = next;
            breaker.record(Permit::Probe, FAILURE, now);
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
    }

    #[test]
    fn a_probe_closes_the_breaker_and_old_failures_are_forgotten() {
        let now = Instant::now();
        let mut breaker = open_at(now);
        let later = breaker.permit(now).unwrap_err();
        assert_eq!(breaker.permit(later), Ok(Permit::Probe));
        breaker.record(Permit::Probe, None, later);
        assert!(!breaker.is_open());
        breaker.record(Permit::Send, FAILURE, later);
        assert_eq!(breaker.permit(later), Ok(Permit::Send));
    }

    #[test]
    fn attempts_from_before_change_nothing() {
        let now = Instant::now();
        let mut breaker = open_at(now);
        let next = breaker.permit(now);
        breaker.record(Permit::Send, FAILURE, now);
        breaker.record(Permit::Send, None, now);
        assert_eq!(breaker.permit(now), next);
    }

    #[test]
    fn the_next_probe_waits_as_long_as_the_answer_to_a_probe_asks() {
        let now = Instant::now();
        let (mut breaker, wait) = (Breaker::default(), Duration::from_mins(30));
        for _ in 0..FAILURES {
            breaker.record(Permit::Send, Some(wait), now);
        }
        let first = now + LONGEST_PAUSE;
        assert_eq!(breaker.next_probe(), Some(first), "one answer of ten");
        assert_eq!(breaker.permit(first), Ok(Permit::Probe));
        breaker.record(Permit::Probe, Some(wait), first);
        let second = first + wait;
        assert_eq!(breaker.permit(first), Err(second));
        assert_eq!(breaker.permit(second), Ok(Permit::Probe));
        breaker.record(Permit::Probe, FAILURE, second);
        assert_eq!(breaker.permit(second), Err(second + Duration::from_secs(4)));
    }

    #[test]
    fn a_lost_probe_is_followed_by_another() {
        let now = Instant::now();
        let mut breaker = open_at(now);
        let first = breaker.permit(now).unwrap_err();
        assert_eq!(breaker.permit(first), Ok(Permit::Probe));
        let second = breaker.permit(first).unwrap_err();
        assert_eq!(second - first, LONGEST_PAUSE);
        assert_eq!(breaker.permit(second), Ok(Permit::Probe));
    }

    proptest! {
        #[test]
        fn half_of_the_last_twenty_attempts_open_the_breaker(
            failures in prop::collection::vec(any::<bool>(), 1..200),
        ) {
            let now = Instant::now();
            let (mut breaker, mut latest) = (Breaker::default(), VecDeque::new());
            for failed in failures {
                breaker.record(Permit::Send, failed.then_some(Duration::ZERO), now);
                latest.push_back(failed);
                if latest.len() > 20 {
                    latest.pop_front();
                }
                let count = latest.iter().filter(|failed| **failed).count();
                prop_assert_eq!(breaker.is_open(), count >= 10);
                if breaker.is_open() {
                    break;
                }
            }
        }
    }
}
