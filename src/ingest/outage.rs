//! An outage of Postgres: how long it is waited out, and when the next try is due.
//!
//! A restart is over within a second or two: deliveries wait for it, and none is told to come
//! again. Beyond that they are told at once, and one try now and then finds Postgres again.

use std::time::{Duration, Instant};

/// How long after its beginning an outage is waited out. A try that begins then has the rest of
/// the writer's deadline.
pub(super) const WAITED_OUT: Duration = Duration::from_millis(1_500);

const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// What is known of an outage; none where the last try succeeded.
#[derive(Debug, Default)]
pub(super) struct Outage(Option<Trouble>);

#[derive(Clone, Copy, Debug)]
struct Trouble {
    since: Instant,
    pause: Duration,
    next: Instant,
}

impl Outage {
    /// A try failed at `now`: the next one is due after a pause that grows from try to try.
    pub(super) fn fail(&mut self, now: Instant) {
        let (since, pause) = match self.0 {
            Some(trouble) => (trouble.since, LONGEST_PAUSE.min(trouble.pause * 2)),
            None => (now, SHORTEST_PAUSE),
        };
        let next = now + pause;
        self.0 = Some(Trouble { since, pause, next });
    }

    /// A try succeeded.
    pub(super) fn end(&mut self) {
        self.0 = None;
    }

    /// When to try: at once, a little later, or `None` where nobody is kept waiting for it.
    pub(super) fn next_try(&self, now: Instant) -> Option<Instant> {
        match self.0 {
            Some(trouble) if trouble.next > now => {
                let is_young = trouble.next <= trouble.since + WAITED_OUT;
                is_young.then_some(trouble.next)
            }
            Some(_) | None => Some(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_young_outage_is_waited_out_by_tries_that_come_ever_later() {
        let began = Instant::now();
        let (mut outage, mut now, mut pauses) = (Outage::default(), began, Vec::new());
        assert_eq!(outage.next_try(now), Some(now));
        outage.fail(now);
        while let Some(next) = outage.next_try(now) {
            pauses.push(next - now);
            now = next;
            outage.fail(now);
        }
        assert_eq!(pauses, [10, 20, 40, 80, 160, 320, 500].map(millis));
        assert!(now - began <= WAITED_OUT);
    }

    #[test]
    fn an_old_one_is_tried_now_and_then_and_nobody_waits_for_it() {
        let began = Instant::now();
        let mut outage = Outage::default();
        outage.fail(began);
        let later = began + millis(60_000);
        assert_eq!(outage.next_try(later), Some(later), "one try is due");
        for _ in 0..9 {
            outage.fail(later);
        }
        assert_eq!(outage.next_try(later + millis(499)), None);
        let due = later + LONGEST_PAUSE;
        assert_eq!(outage.next_try(due), Some(due));
        outage.end();
        assert_eq!(outage.next_try(later), Some(later));
    }
}
