//! When deliveries are due: at a fixed rate, whether or not the server keeps up.

use std::time::{Duration, Instant};

/// Deliveries at a fixed rate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    start: Instant,
    per_second: f64,
}

impl Pace {
    pub(super) fn new(start: Instant, per_second: f64) -> Self {
        Self { start, per_second }
    }

    /// How long after the start the delivery of this number, counted from 0, is due.
    #[expect(
        clippy::cast_precision_loss,
        reason = "exact for more deliveries than a run has"
    )]
    fn after(&self, number: u64) -> Duration {
        let after = Duration::try_from_secs_f64(number as f64 / self.per_second);
        after.unwrap_or(Duration::MAX)
    }

    /// When it is due; at the start where that is beyond what a clock can show.
    pub(super) fn due(&self, number: u64) -> Instant {
        let due = self.start.checked_add(self.after(number));
        due.unwrap_or(self.start)
    }

    /// How many deliveries fall due before `length` has passed; one at least.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a product of positive numbers, rounded up"
    )]
    pub(super) fn within(&self, length: Duration) -> u64 {
        let count = (length.as_secs_f64() * self.per_second).ceil() as u64;
        // The product may be a little too large: 1.1 * 100 is more than 110.
        let is_too_many = count > 1 && self.after(count - 1) >= length;
        count.saturating_sub(u64::from(is_too_many)).max(1)
    }

    /// How many deliveries were due by `now`.
    pub(super) fn due_by(&self, now: Instant) -> u64 {
        self.within(now.saturating_duration_since(self.start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deliveries_are_due_at_even_distances() {
        let start = Instant::now();
        let pace = Pace::new(start, 40.0);
        assert_eq!(pace.due(0), start);
        assert_eq!(pace.due(1), start + Duration::from_millis(25));
        assert_eq!(pace.due(4000), start + Duration::from_secs(100));
    }

    #[test]
    fn as_many_are_released_as_were_due() {
        let pace = Pace::new(Instant::now(), 40.0);
        let within = |ms| pace.within(Duration::from_millis(ms));
        assert_eq!([within(0), within(1), within(25), within(26)], [1, 1, 1, 2]);
        assert_eq!(within(100_000), 4000);
        let round = Pace::new(Instant::now(), 100.0);
        let within = |ms| round.within(Duration::from_millis(ms));
        assert_eq!([within(70), within(1100), within(1101)], [7, 110, 111]);
        let slow = Pace::new(Instant::now(), 0.01);
        assert_eq!(slow.within(Duration::from_secs(1)), 1);
    }
}
