//! An outage of Postgres: how long it is waited out, and when the next try is due.
//!
//! A restart is over within a second or two: deliveries wait for it, and none is told to come
//! again. Beyond that, or with a spool to go to, none is kept waiting, and one try now and then finds
//! Postgres again.

use std::time::{Duration, Instant};

/// How long after its beginning an outage is waited out. A try that begins then has the rest of
/// the writer's deadline.
const WAITED_OUT: Duration = Duration::from_millis(1_500);

/// The same where there is a spool: a session that was lost is made anew, and that is all.
const BRIEFLY: Duration = Duration::from_millis(200);

const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// What is known of an outage.
#[derive(Debug)]
pub(super) struct Outage {
    /// None where the last try succeeded.
    trouble: Option<Trouble>,
    waited_out: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Trouble {
    since: Instant,
    pause: Duration,
    next: Instant,
}

impl Default for Outage {
    fn default() -> Self {
        Self {
            trouble: None,
            waited_out: WAITED_OUT,
        }
    }
}

impl Outage {
    /// Of a database that is not the only place.
    pub(super) fn brief() -> Self {
        Self {
            waited_out: BRIEFLY,
            ..Self::default()
        }
    }

    /// When the last try may begin for what comes at `now`.
    pub(super) fn latest(&self, now: Instant) -> Instant {
        now + self.waited_out
    }

    /// A try failed at `now`: the next one is due after a pause that grows from try to try.
    pub(super) fn fail(&mut self, now: Instant) {
        let (since, pause) = match self.trouble {
            Some(trouble) => (trouble.since, LONGEST_PAUSE.min(trouble.pause * 2)),
            None => (now, SHORTEST_PAUSE),
        };
        let next = now + pause;
        self.trouble = Some(Trouble { since, pause, next });
    }

    /// A try succeeded.
    pub(super) fn end(&mut self) {
        self.trouble = None;
    }

    /// When to try: at once, a little later, or `None` where nobody is kept waiting for it.
    pub(super) fn next_try(&self, now: Instant) -> Option<Instant> {
        match self.trouble {
            Some(trouble) if trouble.next > now => {
                let is_young = trouble.next <= trouble.since + self.waited_out;
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
    fn with_another_place_to_go_it_is_hardly_waited_out() {
        let began = Instant::now();
        let mut outage = Outage::brief();
        outage.fail(began);
        let first = outage.next_try(began);
        assert_eq!(first, Some(began + SHORTEST_PAUSE), "for a new session");
        let mut now = began;
        while let Some(next) = outage.next_try(now) {
            now = next;
            outage.fail(now);
        }
        assert!(now - began <= BRIEFLY);
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
