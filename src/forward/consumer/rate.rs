//! Rate of settled events.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Time over which the rate is averaged.
const WINDOW: Duration = Duration::from_mins(1);

/// Numbers of events by second, for the last minute.
#[derive(Debug, Default)]
pub(super) struct Rate(VecDeque<(Instant, u64)>);

impl Rate {
    pub(super) fn count(&mut self, events: u64, now: Instant) {
        self.forget(now);
        match self.0.back_mut() {
            Some((at, count)) if now.duration_since(*at) < Duration::from_secs(1) => {
                *count += events;
            }
            _ => self.0.push_back((now, events)),
        }
    }

    /// Events a second, over the last minute.
    pub(super) fn per_second(&mut self, now: Instant) -> f64 {
        self.forget(now);
        let events: u64 = self.0.iter().map(|(_, count)| count).sum();
        #[expect(clippy::cast_precision_loss, reason = "a minute has few events")]
        let events = events as f64;
        events / WINDOW.as_secs_f64()
    }

    fn forget(&mut self, now: Instant) {
        let is_old = |at: Instant| now.duration_since(at) >= WINDOW;
        while self.0.pop_front_if(|(at, _)| is_old(*at)).is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_covers_the_last_minute() {
        let (mut rate, start) = (Rate::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        for second in 0..120 {
            rate.count(30, at(second));
            rate.count(30, at(second));
        }
        assert!((59.0..=60.0).contains(&rate.per_second(at(119))));
        assert!(rate.per_second(at(300)) < 0.1);
        assert!(rate.0.is_empty());
    }
}
