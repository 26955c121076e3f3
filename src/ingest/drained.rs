//! Progress of the spool's drain, and the signal that ends its pause.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::Notify;

use crate::spool::Draining;

/// Time window of the drain rate.
const WINDOW: Duration = Duration::from_secs(10);

/// Progress of the drain, written by the drain and read by status and log. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Drained(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    done: Mutex<Done>,
    go_on: Notify,
}

#[derive(Debug, Default)]
struct Done {
    /// Progress without the rate.
    draining: Draining,
    /// Times and numbers of records drained within the window.
    recent: VecDeque<(Instant, u64)>,
}

impl Drained {
    /// Records `records` more as drained, and clears the obstacle. Zero means that the spool is
    /// empty.
    pub fn note(&self, records: u64, now: Instant) {
        let mut done = self.lock();
        done.draining.total += records;
        (done.draining.obstacle, done.draining.why) = (None, None);
        done.forget(now);
        if records > 0 {
            done.recent.push_back((now, records));
        }
    }

    /// Progress at `now`, with the rate of the last ten seconds.
    pub fn progress(&self, now: Instant) -> Draining {
        let mut done = self.lock();
        done.forget(now);
        let records: u64 = done.recent.iter().map(|(_, records)| records).sum();
        Draining {
            rate: exact(records) / WINDOW.as_secs_f64(),
            ..done.draining.clone()
        }
    }

    /// Records that Postgres failed on one record alone, which was moved to the end of the spool.
    pub fn pass_over(&self) {
        self.lock().draining.passed_over += 1;
    }

    /// Records why the drain is stalled: a label, and the message if no other field has it.
    pub fn fail(&self, code: &'static str, why: Option<String>) {
        let draining = &mut self.lock().draining;
        (draining.obstacle, draining.why) = (Some(code), why);
    }

    /// Ends the pause of the drain, so that it tries at once. A drain that is not paused skips its
    /// next pause.
    pub fn wake(&self) {
        self.0.go_on.notify_one();
    }

    /// Waits for [`Self::wake`].
    pub async fn woken(&self) {
        self.0.go_on.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Done> {
        self.0.done.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Done {
    /// Drops entries older than the window, so that memory stays bounded.
    fn forget(&mut self, now: Instant) {
        let old = |(at, _): &mut (Instant, u64)| now.saturating_duration_since(*at) >= WINDOW;
        while self.recent.pop_front_if(old).is_some() {}
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a rate; exact below 2^53 records"
)]
fn exact(records: u64) -> f64 {
    records as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(rate: f64, expected: f64) -> bool {
        (rate - expected).abs() < 1e-9
    }

    #[test]
    fn the_rate_is_that_of_the_last_ten_seconds() {
        let (drained, start) = (Drained::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let rate = |now| drained.progress(now).rate;
        assert!(near(rate(start), 0.0));
        drained.note(100, at(0));
        drained.note(300, at(4));
        assert!(near(rate(at(5)), 40.0));
        assert!(near(rate(at(10)), 30.0));
        assert!(near(rate(at(14)), 0.0));
        assert_eq!(drained.progress(start).total, 400);
        // An earlier time is accepted, too.
        assert!(near(rate(start), 0.0));
    }

    #[test]
    fn a_long_drain_keeps_the_last_ten_seconds_only() {
        let (drained, start) = (Drained::default(), Instant::now());
        for second in 0..1000 {
            drained.note(1, start + Duration::from_secs(second));
        }
        assert_eq!(drained.lock().recent.len(), 10);
        assert_eq!(drained.progress(start).total, 1000);
    }

    #[test]
    fn an_obstacle_lasts_until_a_record_is_through() {
        let (drained, now) = (Drained::default(), Instant::now());
        let seen = drained.clone();
        drained.fail("postgres", None);
        drained.fail("spool", Some("no such device".to_owned()));
        drained.pass_over();
        let stalled = seen.progress(now);
        assert_eq!((stalled.obstacle, stalled.passed_over), (Some("spool"), 1));
        assert_eq!(stalled.why.as_deref(), Some("no such device"));
        drained.note(1, now);
        let going_on = seen.progress(now);
        assert_eq!((going_on.obstacle, going_on.why), (None, None));
        assert_eq!(going_on.passed_over, 1);
    }

    #[tokio::test]
    async fn it_goes_on_when_it_is_told_to_before_or_while_it_waits() {
        let drained = Drained::default();
        drained.wake();
        drained.woken().await;
        let told = drained.clone();
        let waiting = tokio::spawn(async move { told.woken().await });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drained.wake();
        waiting.await.unwrap();
    }
}
