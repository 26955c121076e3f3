//! Guard against a clock that jumped: of this server, or of Meta.

use std::{collections::VecDeque, time::Duration};

use jiff::{SignedDuration, Timestamp};

/// Number of deliveries in a row that show a jump.
const ENOUGH: usize = 5;

/// Maximum difference of their delays. A clock shifts all by the same time; deliveries that Meta
/// repeats after an outage are delayed by many different times.
const SPREAD: SignedDuration = SignedDuration::from_mins(1);

/// Smallest delay that can be a jump: `max_age`, and at least this.
const LEAST: SignedDuration = SignedDuration::from_mins(2);

/// Watches the time from an event to the receipt of its delivery. If it changes for all deliveries
/// at once, a clock jumped, and the age of an event says nothing.
#[derive(Debug)]
pub(super) struct ClockGuard {
    least: SignedDuration,
    /// Delays of the last deliveries, each with its time of receipt.
    delays: VecDeque<(Timestamp, SignedDuration)>,
}

impl ClockGuard {
    /// A guard for events that are too old after `max_age`.
    pub(super) fn new(max_age: Duration) -> Self {
        let max_age = SignedDuration::try_from(max_age).unwrap_or(SignedDuration::MAX);
        Self {
            least: max_age.max(LEAST),
            delays: VecDeque::with_capacity(ENOUGH),
        }
    }

    /// Takes the times of an event in the order of the log. Returns true if a clock jumped.
    pub(super) fn has_jumped(&mut self, received_at: Timestamp, occurred_at: Timestamp) -> bool {
        if self.delays.back().is_some_and(|(at, _)| *at == received_at) {
            return false;
        }
        if self.delays.len() == ENOUGH {
            self.delays.pop_front();
        }
        let delay = received_at.duration_since(occurred_at);
        self.delays.push_back((received_at, delay));
        let delays = || self.delays.iter().map(|(_, delay)| *delay);
        let (least, most) = (delays().min(), delays().max());
        let is_same = least
            .zip(most)
            .is_some_and(|(least, most)| most - least <= SPREAD);
        let is_large = delays().all(|delay| delay.abs() >= self.least);
        let jumped = self.delays.len() == ENOUGH && is_same && is_large;
        if jumped {
            self.delays.clear();
        }
        jumped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_800_000_000;

    /// Number of events, each with its delay in seconds, after which the guard sees a jump.
    fn jump(delays: &[i64]) -> Option<usize> {
        let mut guard = ClockGuard::new(Duration::from_mins(10));
        let at = |second| Timestamp::from_second(START + second).unwrap();
        let jumps = delays
            .iter()
            .zip(0..)
            .position(|(delay, second)| guard.has_jumped(at(second), at(second - delay)));
        jumps.map(|index| index + 1)
    }

    #[test]
    fn a_delay_that_changes_for_all_events_at_once_is_a_jump() {
        assert_eq!(jump(&[1, 2, 3_601, 3_600, 3_605, 3_602, 3_603]), Some(7));
        assert_eq!(jump(&[-3_600, -3_601, -3_599, -3_598, -3_600]), Some(5));
    }

    #[test]
    fn late_deliveries_are_no_jump() {
        assert_eq!(
            jump(&[1, 300, 2, 599, 1, 580, 590, 599, 598]),
            None,
            "small"
        );
        assert_eq!(jump(&[3_600, 3_601, 3_602, 3_603, 2, 3_604]), None, "few");
        assert_eq!(
            jump(&[3_600, 3_200, 2_800, 2_400, 2_000, 1_600]),
            None,
            "many times"
        );
    }

    #[test]
    fn a_delivery_of_many_events_counts_once() {
        let mut guard = ClockGuard::new(Duration::from_mins(10));
        let at = |second| Timestamp::from_second(START + second).unwrap();
        assert!((0..100).all(|_| !guard.has_jumped(at(4_000), at(0))));
    }
}
