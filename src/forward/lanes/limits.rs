//! Limits of the lanes of one consumer, and the backoff of failed heads.

use std::{ops::RangeInclusive, time::Duration};

use super::item::hash;

/// Limits of the lanes of one consumer.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Items in memory that may go out, or come next in their lanes. At this number reading stops.
    /// Heads of an account without a place are parked, up to half of this number; further events
    /// of the account are passed over.
    pub window: usize,
    /// Heads ready for their first attempt. At this number reading stops too.
    pub ahead: usize,
    /// Items that are out at the same time.
    pub max_in_flight: usize,
    /// Lanes that wait or are out at the same time. An account gets no more places than it leaves
    /// to the others.
    pub max_blocked: usize,
    /// Failed attempts after which a head becomes a dead letter.
    pub max_attempts: u32,
    /// Time that a lane waits after its first failed attempt, and at most.
    pub backoff: RangeInclusive<Duration>,
    /// Time for which heads are held back after a restart, for workers that still have a lease.
    pub lease: Duration,
    /// Random number that spreads retries.
    pub seed: u64,
}

impl Limits {
    /// Time that a lane waits after so many failed attempts: doubled each time, and up to a quarter
    /// shorter at random, so that lanes that failed together do not come back together.
    pub(super) fn delay(&self, attempts: u32, position: i64) -> Duration {
        let (least, most) = (*self.backoff.start(), *self.backoff.end());
        let factor = 2_u32.saturating_pow(attempts.saturating_sub(1));
        let longest = least.saturating_mul(factor).min(most);
        let (seed, position) = (self.seed.to_be_bytes(), position.to_be_bytes());
        let [random, ..] = hash(&[&seed, &position, &attempts.to_be_bytes()]).to_be_bytes();
        let shorter = longest.saturating_sub(longest / 1024 * u32::from(random));
        shorter.max(least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forward::lanes::tests::limits;

    #[test]
    fn the_delay_doubles_up_to_its_maximum() {
        let limits = limits();
        let second = Duration::from_secs(1);
        assert_eq!(limits.delay(1, 7), second);
        for attempts in 2..100 {
            let longest = (second * 2_u32.pow((attempts - 1).min(10))).min(second * 900);
            let delay = limits.delay(attempts, 7);
            assert!(delay <= longest && delay * 4 >= longest * 3, "{delay:?}");
        }
        let differs = |position| limits.delay(3, position) != limits.delay(3, 0);
        assert!((1..10).any(differs));
    }
}
