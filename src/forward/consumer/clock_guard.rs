//! Guard against a clock that jumped: of this server, or of Meta.

use std::{collections::VecDeque, time::Duration};

use jiff::{SignedDuration, Timestamp};
use nix::time::{ClockId, clock_gettime};

/// Number of deliveries in a row that show a jump.
const ENOUGH: usize = 5;

/// Maximum difference of their delays. A clock shifts all by the same time; deliveries that Meta
/// repeats after an outage are delayed by many different times.
const SPREAD: SignedDuration = SignedDuration::from_mins(1);

/// Smallest delay that can be a jump: `max_age`, and at least this.
const LEAST: SignedDuration = SignedDuration::from_mins(2);

/// Clock of [`uptime`].
#[cfg(target_os = "linux")]
const STEADY: ClockId = ClockId::CLOCK_BOOTTIME;
#[cfg(not(target_os = "linux"))]
const STEADY: ClockId = ClockId::CLOCK_MONOTONIC;

/// Watches the time from an event to the receipt of its delivery. If it changes for all deliveries
/// at once, a clock jumped, and the age of an event says nothing.
#[derive(Debug)]
pub(super) struct ClockGuard {
    least: SignedDuration,
    /// Delays of the last deliveries, each with its time of receipt.
    delays: VecDeque<(Timestamp, SignedDuration)>,
    /// The clock of this server at the last look, and the time since the start of the machine.
    seen: Option<(Timestamp, Duration)>,
}

impl ClockGuard {
    /// A guard for events that are too old after `max_age`.
    pub(super) fn new(max_age: Duration) -> Self {
        let max_age = SignedDuration::try_from(max_age).unwrap_or(SignedDuration::MAX);
        Self {
            least: max_age.max(LEAST),
            delays: VecDeque::with_capacity(ENOUGH),
            seen: None,
        }
    }

    /// Takes the clock of this server and [`uptime`]. Returns true if the clock was set since the
    /// last look: events that came before are then as old as the clock says only by mistake.
    pub(super) fn was_set(&mut self, now: Timestamp, uptime: Duration) -> bool {
        let Some((then, before)) = self.seen.replace((now, uptime)) else {
            return false;
        };
        let passed = SignedDuration::try_from(uptime.saturating_sub(before));
        let moved = now.duration_since(then) - passed.unwrap_or_default();
        moved.abs() >= self.least
    }

    /// Forgets the clocks, as after a correction.
    pub(super) fn forget(&mut self) {
        self.delays.clear();
        self.seen = None;
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

/// Time since the start of the machine. It is not changed by setting the clock, and on Linux goes on
/// while the machine is suspended.
pub(super) fn uptime() -> Duration {
    clock_gettime(STEADY).map_or(Duration::ZERO, Duration::from)
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
    fn a_clock_that_was_set_is_noticed_and_time_that_passes_is_not() {
        let mut guard = ClockGuard::new(Duration::from_mins(10));
        let mut look = |clock: i64, uptime: u64| {
            let now = Timestamp::from_second(START + clock).unwrap();
            guard.was_set(now, Duration::from_secs(uptime))
        };
        assert!(!look(0, 0));
        assert!(!look(7_200, 7_201), "two hours passed");
        assert!(look(10_800, 7_202));
        assert!(!look(10_801, 7_203));
        assert!(look(7_204, 7_204), "set back");
        assert!(!look(7_504, 7_205), "less than the maximum age");
    }

    #[test]
    fn a_delivery_of_many_events_counts_once() {
        let mut guard = ClockGuard::new(Duration::from_mins(10));
        let at = |second| Timestamp::from_second(START + second).unwrap();
        assert!((0..100).all(|_| !guard.has_jumped(at(4_000), at(0))));
    }
}
